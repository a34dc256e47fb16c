import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  CircuitBreaker,
  failureRate,
  honorRetryAfter,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { nextTick } from '../../helpers/next-tick.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

/** A breaker that was opened for 1,000 ms, on a clock that returns these readings in turn, then repeats the last. */
function opened(readings: readonly (number | Error)[], options: CircuitBreakerOptions = {}): CircuitBreaker {
  let reads = 0
  const now = (): number => {
    const reading = readings[Math.min(reads++, readings.length - 1)]!
    if (reading instanceof Error) throw reading
    return reading
  }
  const breaker = new CircuitBreaker({ clock: { now }, onListenerError: () => {}, ...options })
  breaker.open({ for: 1_000 })
  return breaker
}

describe('S13: time never goes back', () => {
  it('S13: a reading lower than the last means that no time has passed', () => {
    const breaker = opened([5_000, 5_400, 100])
    assert.equal(breaker.retryAfter, 600)
    assert.equal(breaker.retryAfter, 600)
  })

  it('S13: time continues from there at normal speed', () => {
    const breaker = opened([5_000, 5_400, 100, 699, 700])
    assert.deepEqual(
      [breaker.retryAfter, breaker.retryAfter, breaker.retryAfter, breaker.retryAfter],
      [600, 600, 1, 0],
    )
  })

  it('S13: also after many steps back', () => {
    const readings = [0, 300, 200, 400, 0, 100, -900, -700, -600]
    const breaker = opened(readings)
    const left = readings.slice(1).map(() => breaker.retryAfter)
    assert.deepEqual(left, [700, 700, 500, 500, 400, 400, 200, 100])
  })

  it('S13: a lease, a window and the escalation are not affected', () => {
    const clock = new ManualClock(1e6)
    const trip = failureRate({ threshold: 1, minCalls: 5, window: 1_000, buckets: 10 })
    const breaker = new CircuitBreaker({
      clock,
      trip,
      probeTimeout: 500,
      attemptDecay: 1_000,
      timeoutDuration: 0,
    })
    fail(breaker)
    clock.set(0)
    fail(breaker)
    assert.equal(breaker.snapshot().counts.failures, 2)
    clock.advance(1_000)
    assert.equal(breaker.snapshot().counts.failures, 0)

    breaker.halfOpen()
    breaker.acquire()
    clock.set(-5_000)
    assert.equal(breaker.retryAfter, 500)
    clock.advance(500)
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
    clock.set(-9_000)
    succeed(breaker)
    clock.advance(999)
    assert.equal(breaker.snapshot().attempt, 1)
    clock.advance(1)
    assert.equal(breaker.snapshot().attempt, 0)
  })

  it('S13: a duration is never negative', () => {
    const clock = new ManualClock(1e6)
    const durations: unknown[] = []
    const breaker = new CircuitBreaker({
      clock,
      listeners: [{ success: ({ duration }) => durations.push(duration) }],
    })
    const permit = breaker.acquire()
    clock.set(5)
    permit.success()
    assert.deepEqual(durations, [0])
  })

  it('S13: any readings give the result of their monotone image', () => {
    const step = fc.integer({ min: -2_000, max: 2_000 })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const clocks = [new ManualClock(7), new ManualClock(7)] as const
        const breakers = clocks.map(
          (clock) => new CircuitBreaker({ clock, timeoutDuration: 3_000, failMax: 2 }),
        )
        const transitions = breakers.map((breaker) => transitionsOf(breaker))
        for (const step of steps) {
          clocks[0].set(clocks[0].now() + step)
          clocks[1].advance(Math.max(0, step))
          for (const breaker of breakers) breaker.tryAcquire()?.failure(new Error('down'))
          assert.equal(breakers[0]!.retryAfter, breakers[1]!.retryAfter)
        }
        assert.deepEqual(transitions[0], transitions[1])
      }),
      { numRuns: 300 },
    )
  })
})

describe('S13: invalid readings', () => {
  const none = { NaN, Infinity, '-Infinity': -Infinity, 'an error': new Error('no clock') }
  for (const [name, reading] of Object.entries(none)) {
    it(`S13: ${name} means that no time has passed`, () => {
      const breaker = opened([5_000, 5_400, reading, 5_500])
      assert.deepEqual([breaker.retryAfter, breaker.retryAfter, breaker.retryAfter], [600, 600, 500])
    })

    it(`S13: where ${name} comes first, time starts with the first good reading, however large`, () => {
      const breaker = opened([reading, 1e6, 1e6 + 400, 1e6 + 1_000])
      assert.deepEqual([breaker.retryAfter, breaker.retryAfter, breaker.retryAfter], [1_000, 600, 0])
    })

    it(`S13: where ${name} comes first, time starts with the first good reading, also below 0`, () => {
      const breaker = opened([reading, -500, -100, 500])
      assert.deepEqual([breaker.retryAfter, breaker.retryAfter, breaker.retryAfter], [1_000, 600, 0])
    })

    it(`S13: while every reading is ${name}, no time passes`, () => {
      const breaker = opened([reading])
      assert.equal(breaker.retryAfter, 1_000)
      assert.equal(breaker.tryAcquire(), undefined)
      assert.equal(breaker.close(), true)
    })
  }

  it('S13: a reading that is not a finite number is reported, with what was expected', () => {
    for (const reading of [NaN, Infinity, '5', null, undefined, {}]) {
      const reported: unknown[] = []
      const onListenerError = (error: unknown): unknown => reported.push(error)
      opened([reading as number], { onListenerError })
      assert.equal(reported.length, 1)
      assert.ok(reported[0] instanceof RangeError)
      assert.match(reported[0].message, /^Expected `clock.now\(\)` to return a finite number$/)
    }
  })

  it('S13: what the clock throws is reported, each time', () => {
    const error = new Error('no clock')
    const reported: unknown[] = []
    const breaker = opened([error], { onListenerError: (it) => reported.push(it) })
    assert.equal(breaker.retryAfter, 1_000)
    assert.deepEqual(reported, [error, error])
  })

  it('S13: a promise is not a reading, and is handled if it rejects', async () => {
    const breaker = opened([Promise.reject(new Error('no clock')) as unknown as number])
    assert.equal(breaker.retryAfter, 1_000)
    await nextTick()
  })

  it('S13: readings may be huge, negative or fractions: only differences matter', () => {
    for (const start of [-1e9, 0.25, 2 ** 40, Date.UTC(2026, 0, 1)]) {
      const clock = new ManualClock(start)
      const breaker = new CircuitBreaker({ clock })
      breaker.open({ for: 1_000 })
      clock.advance(999)
      assert.equal(breaker.retryAfter, 1)
      clock.advance(1)
      assert.equal(breaker.state, 'half-open')
    }
  })
})

describe('S13: the default clock', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => time.uninstall())

  it('S13: is performance.now(): an opening ends when that has advanced by its length', () => {
    const breaker = new CircuitBreaker({ timeoutDuration: 1_000 })
    breaker.open()
    const frozen = Date.now()
    time.tick(999)
    time.setSystemTime(frozen)
    assert.equal(breaker.state, 'open')
    time.tick(1)
    time.setSystemTime(frozen)
    assert.equal(breaker.state, 'half-open')
  })

  it('S13: a wall clock that is set back does not make an opening longer', () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() - 3_600_000)
    assert.equal(breaker.retryAfter, 1_000)
    time.tick(1_000)
    assert.ok(breaker.tryAcquire())
  })

  it('S13: an opening also ends when the wall clock alone says that its length has passed, to the millisecond', () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() + 500)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 500)
    time.setSystemTime(Date.now() + 499)
    assert.equal(breaker.retryAfter, 1)
    assert.equal(breaker.tryAcquire(), undefined)
    time.setSystemTime(Date.now() + 1)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 0)
    assert.ok(breaker.tryAcquire())
  })

  it('S13: but not while the two clocks differ by at most 50 ms', () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 1_000 })
    time.tick(960)
    time.setSystemTime(Date.now() + 50)
    assert.equal(breaker.retryAfter, 40)
    assert.equal(breaker.tryAcquire(), undefined)
    time.setSystemTime(Date.now() + 1)
    assert.equal(breaker.state, 'half-open')
  })

  it('S13: no part of a millisecond is missing when both clocks run', () => {
    time.tick(0.9)
    const breaker = new CircuitBreaker()
    breaker.open({ for: 1_000 })
    time.tick(999.5)
    assert.equal(breaker.state, 'open')
    time.tick(0.5)
    assert.equal(breaker.state, 'half-open')
  })

  it('S13: the same holds for an opening that was noticed late, from its actual start', () => {
    const breaker = new CircuitBreaker({ probeTimeout: 5_000, timeoutDuration: 1_000 })
    breaker.halfOpen()
    breaker.acquire()
    time.tick(5_400)
    assert.equal(breaker.retryAfter, 600)
    time.setSystemTime(Date.now() + 599)
    assert.equal(breaker.state, 'open')
    time.setSystemTime(Date.now() + 1)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
  })

  it('S13: the same holds for a call that would be rejected otherwise', () => {
    const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration: 1_000 })
    fail(breaker)
    assert.equal(breaker.tryAcquire(), undefined)
    time.setSystemTime(Date.now() + 1_000)
    assert.ok(breaker.tryAcquire())
  })

  it('S13: the wall clock is not read while closed, and causes no event by itself', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 1, minCalls: 9, window: 1_000 }) })
    const transitions = transitionsOf(breaker)
    fail(breaker)
    time.setSystemTime(Date.now() + 1e9)
    assert.equal(breaker.snapshot().counts.failures, 1)
    assert.deepEqual(transitions, [])
  })

  it('S13: the wall clock ends no lease', () => {
    const breaker = new CircuitBreaker({ probeTimeout: 1_000 })
    breaker.halfOpen()
    const probe = breaker.acquire()
    time.setSystemTime(Date.now() + 1e9)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 1_000)
    assert.equal(probe.success(), true)
  })

  it('S13: the wall clock ends no isolation', () => {
    const breaker = new CircuitBreaker()
    breaker.isolate()
    time.setSystemTime(Date.now() + 1e12)
    time.tick(1e9)
    assert.equal(breaker.state, 'isolated')
  })

  it('S13: an opening that is repeated is measured from then on by both', () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() + 900)
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() + 900)
    assert.equal(breaker.state, 'open')
    time.setSystemTime(Date.now() + 100)
    assert.equal(breaker.state, 'half-open')
  })

  it('S13: an injected clock is used alone', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() + 1e9)
    time.tick(1e6)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 1_000)
    clock.advance(1_000)
    assert.equal(breaker.state, 'half-open')
  })

  it('S13: an injected clock is used alone, even if it reads the same source', () => {
    const breaker = new CircuitBreaker({ clock: { now: () => performance.now() } })
    breaker.open({ for: 1_000 })
    time.setSystemTime(Date.now() + 1e9)
    assert.equal(breaker.state, 'open')
  })
})

describe('S13: the wall clock is used for what people and other processes read', () => {
  const NOW = Date.UTC(2026, 5, 1)
  let time: ReturnType<typeof fakeTime>
  let clock: ManualClock
  beforeEach(() => {
    time = fakeTime(NOW)
    clock = new ManualClock(77)
  })
  afterEach(() => time.uninstall())

  it('S13: reopenTime, of a breaker and of a rejection', () => {
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 1_000 })
    clock.advance(250)
    assert.deepEqual(breaker.reopenTime, new Date(NOW + 750))
    assert.throws(() => breaker.acquire(), { reopenTime: new Date(NOW + 750) })
  })

  it('S13: the at of an event', () => {
    const times: number[] = []
    const breaker = new CircuitBreaker({ clock, listeners: [{ stateChange: ({ at }) => times.push(at) }] })
    breaker.open()
    time.setSystemTime(NOW + 5)
    breaker.close()
    assert.deepEqual(times, [NOW, NOW + 5])
  })

  it('S13: since and takenAt of a snapshot', () => {
    const breaker = new CircuitBreaker({ clock })
    breaker.open()
    time.setSystemTime(NOW + 5)
    const { since, takenAt } = breaker.snapshot()
    assert.deepEqual({ since, takenAt }, { since: NOW, takenAt: NOW + 5 })
  })

  it('S13: a Retry-After that is a date', () => {
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: honorRetryAfter(1_000) })
    const headers = new Headers({ 'retry-after': new Date(NOW + 90_000).toUTCString() })
    breaker.acquire().failure(Object.assign(new Error('busy'), { headers }))
    assert.equal(breaker.retryAfter, 90_000)
  })

  it('S13: the time away of what is restored', () => {
    const before = new CircuitBreaker({ clock })
    before.open({ for: 10_000 })
    const restore = before.snapshot()
    time.setSystemTime(NOW + 4_000)
    const after = new CircuitBreaker({ clock: new ManualClock(1e9), restore })
    assert.equal(after.retryAfter, 6_000)
  })
})
