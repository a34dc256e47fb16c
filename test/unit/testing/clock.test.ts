import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  CircuitBreakerRegistry,
  exponentialBackoff,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
  type Clock,
} from '../../../src/index.ts'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { nextTick, stateOf } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const forever = (): Promise<never> => new Promise(() => {})

describe('ManualClock', () => {
  it('starts at 0 or at a given time, and stands still', () => {
    const clock: Clock = new ManualClock()
    assert.deepEqual([clock.now(), clock.now()], [0, 0])
    assert.equal(new ManualClock(-5.5).now(), -5.5)
  })

  it('advances by a given time', () => {
    const clock = new ManualClock(100)
    clock.advance(50)
    clock.advance(0)
    clock.advance(0.5)
    assert.equal(clock.now(), 150.5)
  })

  it('can be set, also to an earlier time', () => {
    const clock = new ManualClock(100)
    clock.set(500)
    assert.equal(clock.now(), 500)
    clock.set(-3)
    assert.equal(clock.now(), -3)
  })

  it('drives a breaker', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 5_000 })
    clock.advance(4_999)
    assert.equal(breaker.state, 'open')
    clock.advance(1)
    assert.equal(breaker.state, 'half-open')
  })
})

describe('S13: ManualClock moves everything', () => {
  it('S13: openings, backoff, windows, leases and slow calls', () => {
    const clock = new ManualClock()
    const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'none' })
    const backoff = new CircuitBreaker({ clock, failMax: 1, timeoutDuration, probeTimeout: 500 })
    for (const length of [1_000, 2_000]) {
      fail(backoff)
      clock.advance(length - 1)
      assert.equal(backoff.state, 'open')
      clock.advance(1)
      assert.equal(backoff.state, 'half-open')
    }
    backoff.acquire()
    clock.advance(500)
    assert.equal(backoff.snapshot().tripReason, 'probeTimeout')

    const trip = failureRate({ threshold: 1, minCalls: 9, window: 1_000 })
    const windowed = new CircuitBreaker({ clock, trip })
    fail(windowed)
    clock.advance(1_000)
    assert.equal(windowed.snapshot().counts.failures, 0)

    const slow = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 100, lastCalls: 1 })
    const timed = new CircuitBreaker({ clock, trip: slow })
    const permit = timed.acquire()
    clock.advance(101)
    permit.success()
    assert.equal(timed.state, 'open')
  })

  it('S13: callTimeout, of every kind of call', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, callTimeout: 500 })
    const calls = [
      () => breaker.call(forever),
      () => breaker.run(forever),
      () => breaker.wrap(forever)(),
      () => superviseCall(breaker).send(forever),
      () =>
        new CircuitBreakerRegistry({ options: () => ({ clock, callTimeout: 500 }) }).get('key').call(forever),
    ]
    for (const call of calls) {
      const result = call()
      clock.advance(499)
      assert.equal(await stateOf(result), 'pending')
      clock.advance(1)
      await assert.rejects(result, { code: 'CALL_TIMEOUT', timeout: 500 })
    }
  })

  it('S13: the signal of a task aborts with the timeout', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, callTimeout: 500 })
    let signal: AbortSignal | undefined
    const result = breaker.run((context) => {
      signal = context.signal
      return forever()
    })
    clock.advance(500)
    await assert.rejects(result, { code: 'CALL_TIMEOUT' })
    assert.equal(signal?.aborted, true)
  })

  it('S13: a call that has settled leaves no timer behind', async () => {
    const stopped: number[] = []
    const clock = new ManualClock()
    const counting: Clock = {
      now: () => clock.now(),
      setTimer: (callback, delay) => {
        const stop = clock.setTimer(callback, delay)
        return () => {
          stopped.push(delay)
          stop()
        }
      },
    }
    const breaker = new CircuitBreaker({ clock: counting, callTimeout: 500 })
    await breaker.call(async () => 1)
    await assert.rejects(
      breaker.call(() => Promise.reject(new Error('down'))),
      /down/,
    )
    assert.deepEqual(stopped, [500, 500])
  })

  it('S13: ready(), also when the opening was repeated meanwhile', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 5_000 })
    const ready = breaker.ready()
    clock.advance(4_000)
    breaker.open({ for: 5_000 })
    await nextTick()
    clock.advance(4_999)
    assert.equal(await stateOf(ready), 'pending')
    clock.advance(1)
    await ready
  })

  it('S13: the checks of a supervised call', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    const call = superviseCall(breaker)
    call.watch({ every: 1_000, isRead: () => false, release: () => call.succeed() })
    clock.advance(999)
    assert.equal(call.settled, false)
    clock.advance(1)
    assert.equal(call.settled, true)
  })

  it('S13: several breakers on one clock', async () => {
    const clock = new ManualClock()
    const breakers = [300, 100, 200].map((callTimeout) => new CircuitBreaker({ clock, callTimeout }))
    const order: number[] = []
    const calls = breakers.map((breaker) =>
      breaker.call(forever).catch(() => order.push(breaker.options.callTimeout)),
    )
    clock.advance(1_000)
    await Promise.all(calls)
    assert.deepEqual(order, [100, 200, 300])
  })
})

describe('the timers of ManualClock', () => {
  it('run in the order of their deadlines, with the clock at each, and those of one deadline as they started', () => {
    const clock = new ManualClock(1_000)
    const runs: unknown[] = []
    for (const [name, delay] of Object.entries({ c: 30, a: 10, d: 30, b: 20, later: 41 })) {
      clock.setTimer(() => runs.push([name, clock.now()]), delay)
    }
    clock.advance(40)
    assert.deepEqual(runs, [
      ['a', 1_010],
      ['b', 1_020],
      ['c', 1_030],
      ['d', 1_030],
    ])
    assert.equal(clock.now(), 1_040)
    clock.advance(1)
    assert.deepEqual(runs.at(-1), ['later', 1_041])
  })

  it('run in the same advance if a timer that was due has started them', () => {
    const clock = new ManualClock()
    const runs: number[] = []
    const again = (): void => {
      runs.push(clock.now())
      clock.setTimer(again, 10)
    }
    clock.setTimer(again, 10)
    clock.advance(35)
    assert.deepEqual(runs, [10, 20, 30])
  })

  it('do not run once stopped, also by another timer', () => {
    const clock = new ManualClock()
    const runs: string[] = []
    clock.setTimer(() => {
      runs.push('first')
      stop()
    }, 10)
    const stop = clock.setTimer(() => runs.push('second'), 10)
    clock.advance(10)
    stop()
    clock.advance(10)
    assert.deepEqual(runs, ['first'])
  })

  it('with no delay run when the clock advances next, by however little', () => {
    const clock = new ManualClock()
    let runs = 0
    clock.setTimer(() => runs++, 0)
    assert.equal(runs, 0)
    clock.advance(0)
    assert.equal(runs, 1)
  })

  it('run when the clock is set forward, and not again when it is set back and advances', () => {
    const clock = new ManualClock()
    const runs: number[] = []
    for (const delay of [10, 20]) clock.setTimer(() => runs.push(delay), delay)
    clock.set(15)
    clock.set(0)
    assert.deepEqual(runs, [10])
    clock.advance(4)
    assert.deepEqual(runs, [10])
    clock.advance(1)
    assert.deepEqual(runs, [10, 20])
    clock.advance(100)
    assert.deepEqual(runs, [10, 20])
  })

  it('keep the breaker right when the clock is set back: no time has passed', async () => {
    const clock = new ManualClock(10_000)
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 1_000 })
    const ready = breaker.ready()
    clock.advance(600)
    assert.equal(breaker.retryAfter, 400)
    clock.set(0)
    assert.equal(breaker.retryAfter, 400)
    clock.advance(399)
    assert.equal(await stateOf(ready), 'pending')
    clock.advance(1)
    await ready
  })

  it('may advance the clock themselves', () => {
    const clock = new ManualClock()
    const runs: unknown[] = []
    clock.setTimer(() => clock.advance(100), 10)
    clock.setTimer(() => runs.push(clock.now()), 50)
    clock.advance(20)
    assert.deepEqual(runs, [50])
    assert.equal(clock.now(), 110)
  })

  it('lose no error: it reaches the test once the other timers have run', () => {
    const clock = new ManualClock()
    const [first, second] = [new Error('first'), new Error('second')]
    let ran = false
    clock.setTimer(() => {
      throw first
    }, 10)
    clock.setTimer(() => (ran = true), 20)
    assert.throws(
      () => clock.advance(30),
      (error) => error === first,
    )
    assert.deepEqual([ran, clock.now()], [true, 30])
    for (const error of [first, second]) {
      clock.setTimer(() => {
        throw error
      }, 10)
    }
    assert.throws(
      () => clock.set(40),
      (error) => error instanceof AggregateError && error.errors[0] === first && error.errors[1] === second,
    )
  })

  it('refuse what is no callback, and a delay that cannot end', () => {
    const clock = new ManualClock()
    assert.throws(() => clock.setTimer(5 as never, 5), /^TypeError: Expected `callback`/)
    for (const delay of [-1, NaN, Infinity]) {
      assert.throws(() => clock.setTimer(() => {}, delay), /^RangeError: Expected `delay`/)
    }
  })

  it('let promises react in between with advanceAsync', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, callTimeout: 100, failMax: 9 })
    const ends: number[] = []
    const loop = (async () => {
      for (let i = 0; i < 3; i++) await breaker.call(forever).catch(() => ends.push(clock.now()))
    })()
    await clock.advanceAsync(1_000)
    assert.deepEqual(ends, [100, 200, 300])
    assert.equal(clock.now(), 1_000)
    await loop
  })

  it('see the calls that begin after a promise has reacted, before the first timer of advanceAsync', async () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, callTimeout: 100 })
    const call = Promise.resolve().then(() => breaker.call(forever))
    const outcome = assert.rejects(call, { code: 'CALL_TIMEOUT' })
    await clock.advanceAsync(100)
    await outcome
  })

  it('lose no error of advanceAsync', async () => {
    const clock = new ManualClock()
    const error = new Error('mine')
    clock.setTimer(() => {
      throw error
    }, 10)
    await assert.rejects(clock.advanceAsync(20), (thrown) => thrown === error)
    assert.equal(clock.now(), 20)
    await assert.rejects(clock.advanceAsync(-1), /^RangeError: Expected `duration`/)
  })
})

describe('S8: the timers of a clock that is broken', () => {
  const down = new Error('no timers')
  const broken: Record<string, NonNullable<Clock['setTimer']>> = {
    'that throws': () => {
      throw down
    },
    'that rejects': (async () => {
      throw down
    }) as never,
    'whose stop throws': (callback, delay) => {
      const timer = setTimeout(callback, delay)
      return () => {
        clearTimeout(timer)
        throw down
      }
    },
  }
  for (const [kind, setTimer] of Object.entries(broken)) {
    const make = (options: CircuitBreakerOptions): [CircuitBreaker, unknown[]] => {
      const reported: unknown[] = []
      const clock = { now: () => performance.now(), setTimer }
      const onListenerError = (error: unknown): unknown => reported.push(error)
      return [new CircuitBreaker({ clock, onListenerError, ...options }), reported]
    }

    it(`S8: one ${kind} changes no result, and is reported`, async () => {
      const [breaker, reported] = make({ callTimeout: 60_000 })
      assert.equal(await breaker.call(async () => 'fine'), 'fine')
      await assert.rejects(
        breaker.call(() => Promise.reject(new RangeError('mine'))),
        RangeError,
      )
      assert.equal(breaker.snapshot().inFlight, 0)
      await nextTick()
      assert.ok(reported.length >= 2)
    })

    it(`S8: one ${kind} does not end a wait`, async () => {
      const [breaker, reported] = make({})
      breaker.open({ for: 60_000 })
      const ready = breaker.ready()
      assert.equal(await stateOf(ready), 'pending')
      breaker.close()
      await ready
      await nextTick()
      assert.ok(reported.length >= 1)
    })
  }

  it('S8: where the clock throws, the timers of the runtime take over', async (t) => {
    const time = fakeTime()
    t.after(() => time.uninstall())
    const clock = { now: () => performance.now(), setTimer: broken['that throws'] }
    const breaker = new CircuitBreaker({ clock, callTimeout: 500, onListenerError: () => {} })
    const call = breaker.call(forever)
    time.tick(499)
    assert.equal(await stateOf(call), 'pending')
    time.tick(1)
    await assert.rejects(call, { code: 'CALL_TIMEOUT' })
  })
})
