import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, slowCallRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'

type Counted = [end: string, duration: number | undefined, now: number]

/** A breaker whose calls are counted, with a clock that starts at 100 ms. */
function watched(options: CircuitBreakerOptions = {}): {
  breaker: CircuitBreaker
  clock: ManualClock
  seen: Counted[]
  detach: () => void
} {
  const clock = new ManualClock(100)
  const breaker = new CircuitBreaker({ clock, exclude: [RangeError], ...options })
  const seen: Counted[] = []
  const detach = CircuitBreaker.circuitOf(breaker)!.attach({
    add: (end, duration, now) => void seen.push([end, duration, now]),
  })
  return { breaker, clock, seen, detach }
}

describe('the statistics of a monitor', () => {
  it('count the outcome of each call, with its duration and the time', () => {
    const { breaker, clock, seen } = watched()
    const permits = [breaker.acquire(), breaker.acquire(), breaker.acquire(), breaker.acquire()] as const
    clock.advance(5)
    permits[0].success()
    clock.advance(5)
    permits[1].failure(new Error('down'))
    permits[2].ignore()
    breaker.open({ for: 1_000 })
    clock.advance(5)
    permits[3].success()
    assert.equal(breaker.tryAcquire(), undefined)
    assert.deepEqual(seen, [
      ['success', 5, 105],
      ['failure', 10, 110],
      ['ignored', 10, 110],
      ['late', 15, 115],
      ['rejected', undefined, 115],
    ])
  })

  const ways: Record<string, (breaker: CircuitBreaker, fn: () => unknown) => unknown> = {
    call: (breaker, fn) => breaker.call(fn),
    wrap: (breaker, fn) => breaker.wrap(fn)(),
    run: (breaker, fn) => breaker.run(fn),
    'run with a fallback': (breaker, fn) => breaker.run(fn, { fallback: () => 0 }),
    callSync: (breaker, fn) => breaker.callSync(() => void fn()),
  }
  for (const [way, make] of Object.entries(ways)) {
    it(`count a call by ${way} once, with its whole duration`, async () => {
      const { breaker, clock, seen } = watched()
      await make(breaker, () => clock.advance(7))
      assert.deepEqual(seen, [['success', 7, 107]])
    })
  }

  it('count the same outcomes under a slow-call rule, with listeners and with a callTimeout', async () => {
    const slow = slowCallRate({ threshold: 1, slowerThan: 50, lastCalls: 10 })
    for (const options of [{ trip: slow }, { listeners: [{ success: () => 0 }] }, { callTimeout: 60_000 }]) {
      const { breaker, clock, seen } = watched(options)
      await breaker.call(async () => clock.advance(3))
      await assert.rejects(breaker.call(() => Promise.reject(new RangeError('excluded'))))
      assert.deepEqual(seen, [
        ['success', 3, 103],
        ['ignored', 0, 103],
      ])
    }
  })

  it('count a generator without a duration, because its consumer sets the pace', () => {
    const { breaker, clock, seen } = watched()
    const stream = breaker.wrap(function* () {
      yield 1
    })
    for (const _ of stream()) clock.advance(1_000)
    assert.deepEqual(seen, [['success', undefined, 1_100]])
  })

  it('count no call that started before they were attached, and none in mode off', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    const dependency = new ScriptedDependency<number>(['hang'])
    const call = breaker.call(dependency.call)
    const permit = breaker.acquire()
    const seen: string[] = []
    CircuitBreaker.circuitOf(breaker)!.attach({ add: (end) => void seen.push(end) })
    dependency.hanging[0]?.reject(new Error('down'))
    await assert.rejects(call)
    permit.failure(new Error('down'))
    assert.equal(breaker.failCounter, 2)
    breaker.mode = 'off'
    succeed(breaker)
    assert.deepEqual(seen, [])
  })

  it('count nothing once they are detached, while others still do', () => {
    const { breaker, seen, detach } = watched()
    const others: string[] = []
    CircuitBreaker.circuitOf(breaker)!.attach({ add: (end) => void others.push(end) })
    detach()
    succeed(breaker)
    fail(breaker)
    assert.deepEqual(seen, [])
    assert.deepEqual(others, ['success', 'failure'])
  })

  // A monitor also removes a listener, which hides whether the statistics alone do this.
  it('make a call read the clock only while they are attached', async () => {
    const clock = new CountingClock()
    const breaker = new CircuitBreaker({ clock })
    const readings = async (): Promise<number> => {
      const before = clock.readings
      await breaker.call(() => 1)
      return clock.readings - before
    }
    assert.equal(await readings(), 0)
    const detach = CircuitBreaker.circuitOf(breaker)!.attach({ add() {} })
    assert.equal(await readings(), 2)
    detach()
    assert.equal(await readings(), 0)
  })
})
