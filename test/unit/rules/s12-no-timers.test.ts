import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, CircuitBreakerRegistry, failureRate, slowCallRate } from '../../../src/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { deferred } from '../../helpers/deferred.ts'
import { runProgram } from '../../helpers/program.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const DAY = 86_400_000

describe('S12: no timers', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => time.uninstall())

  const situations: Record<string, () => unknown> = {
    'a new breaker': () => new CircuitBreaker({ callTimeout: 5, probeTimeout: 5, attemptDecay: 5 }),
    'an open circuit': () => fail(new CircuitBreaker({ failMax: 1 })),
    'a manual opening': () => new CircuitBreaker().open({ for: 5 }),
    'an isolated circuit': () => new CircuitBreaker().isolate(),
    'a half-open circuit with a probe': () => {
      const breaker = new CircuitBreaker()
      breaker.halfOpen()
      return breaker.acquire()
    },
    'a time window with calls in it': () =>
      succeed(new CircuitBreaker({ trip: failureRate({ threshold: 1, window: 1_000 }) })),
    'a call that runs without a timeout': () => new CircuitBreaker().call(() => new Promise(() => {})),
    'a call that waits for its caller’s signal': () =>
      new CircuitBreaker().run(() => new Promise(() => {}), { signal: new AbortController().signal }),
    'a restored breaker': () => {
      const before = new CircuitBreaker()
      before.open()
      return new CircuitBreaker({ restore: before.snapshot() })
    },
    'a breaker that only observes, and has met its rule': () =>
      fail(new CircuitBreaker({ mode: 'observe', failMax: 1 })),
    'a registry of open circuits': () => {
      const registry = new CircuitBreakerRegistry({ options: () => ({ failMax: 1 }) })
      for (let i = 0; i < 10; i++) fail(registry.get(`host ${i}`))
    },
    'a caller that waits for an isolated circuit': () => {
      const breaker = new CircuitBreaker()
      breaker.isolate()
      return breaker.ready()
    },
    'a closed circuit under an escalation that decays': () => {
      const breaker = new CircuitBreaker({ attemptDecay: 1_000 })
      breaker.halfOpen()
      succeed(breaker)
    },
  }
  for (const [situation, reach] of Object.entries(situations)) {
    it(`S12: ${situation} has no timer`, () => {
      reach()
      assert.equal(time.countTimers(), 0)
    })
  }

  it('S12: a call with a timeout has one while it runs, and none when it has ended, however', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 100 })
    const caller = new AbortController()
    const tasks = [deferred(), deferred()]
    const calls = [
      breaker.call(() => tasks[0]!.promise),
      breaker.call(() => tasks[1]!.promise),
      breaker.run(() => new Promise(() => {}), { signal: caller.signal }),
      breaker.call(() => new Promise(() => {})),
    ]
    const ended = Promise.allSettled(calls)
    assert.equal(time.countTimers(), 4)
    tasks[0]!.resolve(1)
    tasks[1]!.reject(new Error('down'))
    caller.abort()
    await nextTick()
    assert.equal(time.countTimers(), 1)
    time.tick(100)
    assert.equal(time.countTimers(), 0)
    assert.deepEqual(
      (await ended).map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected', 'rejected'],
    )
  })

  it('S12: a caller that waits for an open circuit has one, which ends with the wait', async () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 100 })
    const ready = breaker.ready()
    assert.equal(time.countTimers(), 1)
    await time.tickAsync(100)
    await ready
    assert.equal(time.countTimers(), 0)
  })

  it('S12: a rejected call starts none', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 100 })
    breaker.open()
    await assert.rejects(breaker.call(() => 1))
    assert.equal(time.countTimers(), 0)
  })

  it('S12: time alone changes no state: open becomes half-open when a call asks', async () => {
    const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration: 1_000 })
    const transitions = transitionsOf(breaker)
    fail(breaker)
    await time.tickAsync(DAY)
    assert.deepEqual(transitions, ['closed > open (consecutiveFailures)'])
    breaker.acquire()
    assert.deepEqual(transitions.slice(1), ['open > half-open (timeoutElapsed)'])
  })

  it('S12: no lease ends by itself either', async () => {
    const breaker = new CircuitBreaker({ probeTimeout: 1_000 })
    breaker.halfOpen()
    breaker.acquire()
    const transitions = transitionsOf(breaker)
    await time.tickAsync(DAY)
    assert.deepEqual(transitions, [])
    breaker.tryAcquire()
    assert.deepEqual(transitions, ['half-open > open (probeTimeout)', 'open > half-open (timeoutElapsed)'])
  })

  it('S12: a process that was frozen while open probes with its first call', () => {
    const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration: 60_000 })
    fail(breaker)
    time.setSystemTime(Date.now() + DAY) // the monotonic clock and all timers were frozen
    assert.equal(breaker.retryAfter, 0)
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
  })

  it('S12: a process that slept while all clocks ran on has empty windows at once', () => {
    const trip = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 10, window: 60_000 })
    const breaker = new CircuitBreaker({ trip })
    succeed(breaker, 10)
    time.jump(DAY)
    assert.equal(breaker.snapshot().counts.calls, 0)
    assert.equal(breaker.state, 'closed')
  })
})

describe('S12: the end of the process', () => {
  it('S12: circuits in any state, leases and running calls without a timeout let it exit', async () => {
    const file = join(import.meta.dirname, 'programs/exit.ts')
    assert.equal(await runProgram(file), 'open,half-open,isolated,closed')
  })
})
