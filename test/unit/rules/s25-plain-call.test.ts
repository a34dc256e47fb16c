import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate, slowCallRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../../src/testing/index.ts'

describe('S25: the plain closed call', () => {
  it('S25: the result settles one microtask after the function’s own', async () => {
    const breaker = new CircuitBreaker()
    const order: string[] = []
    const own = Promise.resolve()
    const guarded = breaker.call(() => own)
    const hop = own.then(() => order.push('hop'))
    void guarded.then(() => order.push('guarded'))
    void hop.then(() => order.push('after the hop'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(order, ['hop', 'guarded', 'after the hop'])
  })

  it('S25: calls the function synchronously', async () => {
    const breaker = new CircuitBreaker()
    let called = 0
    const count = (): number => ++called
    const calls = [breaker.call(count), breaker.run(count), breaker.wrap(count)()]
    assert.equal(called, 3)
    assert.deepEqual(await Promise.all(calls), [1, 2, 3])
  })

  it('S25: starts no timer', async () => {
    const { setTimeout: real } = globalThis
    let timers = 0
    globalThis.setTimeout = ((...args: Parameters<typeof real>) => (timers++, real(...args))) as typeof real
    try {
      const breaker = new CircuitBreaker({ failMax: 2 })
      await breaker.call(() => 1)
      await breaker.run(async () => 1)
      for (let i = 0; i < 3; i++) await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
      assert.equal(breaker.state, 'open')
      assert.equal(timers, 0)
    } finally {
      globalThis.setTimeout = real
    }
  })

  /** The number of three successful calls that the circuit settles, which costs far more than counting them. */
  async function settled(options: CircuitBreakerOptions): Promise<number> {
    const breaker = new CircuitBreaker({ clock: new ManualClock(), ...options })
    const circuit = CircuitBreaker.circuitOf(breaker)!
    const settle = circuit.settle.bind(circuit)
    let count = 0
    circuit.settle = (...args) => (count++, settle(...args))
    await breaker.call(async () => 1)
    await breaker.call(() => 2)
    await breaker.wrap(async () => 3)()
    assert.equal(breaker.snapshot().counts.successes, options.mode === 'off' ? 0 : 3)
    return count
  }

  it('S25: a success that no rule, classifier or listener needs is only counted', async () => {
    const rule = { threshold: 1, minCalls: 5 }
    assert.equal(await settled({}), 0)
    assert.equal(await settled({ trip: failureRate({ ...rule, lastCalls: 10 }) }), 0)
    assert.equal(await settled({ trip: failureRate({ ...rule, window: 1_000 }) }), 0)
    assert.equal(await settled({ listeners: [{ failure: () => 0 }] }), 0)
  })

  it('S25: a success that a classifier, a listener or a slow-call rule needs is settled', async () => {
    assert.equal(await settled({ classifyResult: () => undefined }), 3)
    assert.equal(await settled({ listeners: [{ success: () => 0 }] }), 3)
    const slow = slowCallRate({ threshold: 1, minCalls: 5, slowerThan: 50, lastCalls: 10 })
    assert.equal(await settled({ trip: slow }), 3)
    assert.equal(await settled({ mode: 'off' }), 3)
  })

  const kinds: Record<string, CircuitBreakerOptions> = {
    'a plain breaker': {},
    'a breaker with listeners': { listeners: [{ success: () => 0 }] },
    'a breaker with a call timeout': { callTimeout: 60_000 },
    'a breaker with a window': { trip: failureRate({ threshold: 1, lastCalls: 10 }) },
  }
  for (const [title, options] of Object.entries(kinds)) {
    it(`S25: in flight, late and total calls are counted the same by ${title}`, async () => {
      const breaker = new CircuitBreaker(options)
      const dependency = new ScriptedDependency<number>(['hang'])
      const calls = Array.from({ length: 4 }, () => breaker.call(dependency.call))
      assert.equal(breaker.snapshot().inFlight, 4)
      dependency.hanging[0]?.resolve(1)
      await calls[0]
      dependency.hanging[1]?.reject(new Error('down'))
      await assert.rejects(calls[1] ?? Promise.resolve())
      const { inFlight, counts, late } = breaker.snapshot()
      assert.deepEqual(
        { inFlight, late, ...counts },
        { inFlight: 2, late: 0, calls: 2, successes: 1, failures: 1, slow: 0 },
      )
      breaker.open()
      dependency.hanging[2]?.resolve(1)
      await calls[2]
      dependency.hanging[3]?.reject(new Error('down'))
      await assert.rejects(calls[3] ?? Promise.resolve())
      const after = breaker.snapshot()
      assert.deepEqual([after.inFlight, after.late, after.rejected, after.ignored], [0, 2, 0, 0])
    })
  }
})
