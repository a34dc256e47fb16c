import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  exponentialBackoff,
  failureCount,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

interface Observed {
  readonly breaker: CircuitBreaker
  readonly clock: ManualClock
  /** The reasons of `wouldTrip`, in order. */
  readonly alarms: string[]
}

function observe(options: CircuitBreakerOptions = {}): Observed {
  const clock = new ManualClock()
  const alarms: string[] = []
  const breaker = new CircuitBreaker({
    clock,
    mode: 'observe',
    timeoutDuration: 1_000,
    listeners: [{ wouldTrip: ({ reason }) => alarms.push(reason) }],
    ...options,
  })
  return { breaker, clock, alarms }
}

describe('S23: mode observe', () => {
  it('S23: emits wouldTrip, and admits every call', async () => {
    const { breaker, alarms } = observe({ failMax: 3 })
    const error = new Error('mine')
    for (let i = 0; i < 10; i++) {
      await assert.rejects(
        breaker.call(() => Promise.reject(error)),
        (thrown) => thrown === error,
      )
    }
    assert.deepEqual(alarms, ['consecutiveFailures'])
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.retryAfter, 0)
    assert.equal(breaker.snapshot().rejected, 0)
  })

  it('S23: the event names the breaker', () => {
    const received: unknown[] = []
    const { breaker } = observe({ failMax: 1, listeners: [{ wouldTrip: (event) => received.push(event) }] })
    fail(breaker)
    assert.deepEqual(received, [{ breaker, reason: 'consecutiveFailures' }])
  })

  it('S23: emits it at most once per open time, and again after that', () => {
    const { breaker, clock, alarms } = observe({ failMax: 2 })
    fail(breaker, 5)
    assert.equal(alarms.length, 1)
    clock.advance(999)
    fail(breaker)
    assert.equal(alarms.length, 1)
    clock.advance(1)
    fail(breaker, 3)
    assert.equal(alarms.length, 2)
  })

  it('S23: does not emit it just because the time has passed: only a failure meets a rule', () => {
    const { breaker, clock, alarms } = observe({ failMax: 2 })
    fail(breaker, 2)
    clock.advance(5_000)
    succeed(breaker, 3)
    assert.equal(alarms.length, 1)
  })

  it('S23: each reason has its own time', () => {
    const rate = failureRate({ threshold: 1, minCalls: 4, lastCalls: 4 })
    const { breaker, clock, alarms } = observe({ trip: anyOf(rate, consecutiveFailures(2)) })
    fail(breaker, 2)
    clock.advance(600)
    fail(breaker, 2)
    assert.deepEqual(alarms, ['consecutiveFailures', 'failureRate'])
    clock.advance(999)
    fail(breaker)
    assert.equal(alarms.length, 2)
    clock.advance(1)
    fail(breaker)
    assert.deepEqual(alarms, ['consecutiveFailures', 'failureRate', 'failureRate'])
  })

  it('S23: the open time is always that of attempt 1', () => {
    const attempts: number[] = []
    const backoff = exponentialBackoff({ initial: 1_000, jitter: 'none' })
    const { breaker, clock, alarms } = observe({
      failMax: 1,
      timeoutDuration: (context) => {
        attempts.push(context.attempt)
        return backoff(context)
      },
    })
    for (let i = 0; i < 4; i++, clock.advance(1_000)) fail(breaker, 3)
    assert.equal(alarms.length, 4)
    assert.deepEqual(attempts, [1, 1, 1, 1])
    assert.equal(breaker.snapshot().attempt, 0)
  })

  it('S23: evaluates everything: the counts, rates and run are those of the rule', () => {
    const { breaker } = observe({ trip: failureRate({ threshold: 0.5, minCalls: 2, lastCalls: 4 }) })
    fail(breaker, 3)
    succeed(breaker)
    const { counts, failureRate: rate, failCounter, tripReason } = breaker.snapshot()
    assert.deepEqual(counts, { calls: 4, successes: 1, failures: 3, slow: 0 })
    assert.equal(rate, 0.75)
    assert.equal(failCounter, 0)
    assert.equal(tripReason, null)
  })

  it('S23: emits it for slow calls, and with the joined reasons of allOf', () => {
    const slow = slowCallRate({ threshold: 1, minCalls: 2, slowerThan: 5, lastCalls: 10 })
    const { breaker, clock, alarms } = observe({
      trip: anyOf(slow, allOf(slow, failureCount({ count: 2, lastCalls: 5 }))),
    })
    for (let i = 0; i < 2; i++) {
      const permit = breaker.acquire()
      clock.advance(6)
      permit.success()
    }
    assert.deepEqual(alarms, ['slowCallRate'])
  })

  it('S23: errorOnTrip replaces no error, for nothing trips', async () => {
    const { breaker } = observe({ failMax: 1, errorOnTrip: true })
    const error = new Error('mine')
    await assert.rejects(
      breaker.call(() => Promise.reject(error)),
      (thrown) => thrown === error,
    )
  })

  it('S23: a listener that throws, or none, makes no difference', () => {
    const { breaker } = observe({ failMax: 1, listeners: [] })
    fail(breaker, 3)
    assert.equal(breaker.failCounter, 3)
    assert.equal(breaker.state, 'closed')
  })
})

describe('modes', () => {
  it('mode is enforce by default, and can be set', () => {
    const breaker = new CircuitBreaker()
    assert.equal(breaker.mode, 'enforce')
    breaker.mode = 'observe'
    assert.equal(breaker.mode, 'observe')
    assert.equal(breaker.options.mode, 'observe')
    breaker.configure({ mode: 'off' })
    assert.equal(breaker.mode, 'off')
    assert.equal(breaker.snapshot().mode, 'off')
  })

  for (const mode of ['observe', 'off'] as const) {
    for (const from of ['open', 'halfOpen', 'isolate'] as const) {
      it(`entering ${mode} closes a circuit after ${from}(), with an event`, () => {
        const breaker = new CircuitBreaker({ clock: new ManualClock() })
        breaker[from]()
        const transitions = transitionsOf(breaker)
        const { state } = breaker
        breaker.mode = mode
        assert.equal(breaker.state, 'closed')
        assert.deepEqual(transitions, [`${state} > closed (manual)`])
        assert.ok(breaker.tryAcquire())
        const { attempt, tripReason } = breaker.snapshot()
        assert.deepEqual({ attempt, tripReason }, { attempt: 0, tripReason: null })
      })
    }

    it(`calls in flight when ${mode} is entered are late`, () => {
      const breaker = new CircuitBreaker({ failMax: 1 })
      const permit = breaker.acquire()
      breaker.mode = mode
      assert.equal(permit.failure(new Error('late')), false)
      assert.equal(breaker.snapshot().late, 1)
      assert.equal(breaker.snapshot().inFlight, 0)
    })

    it(`setting ${mode} again changes nothing`, () => {
      const breaker = new CircuitBreaker({ mode })
      const permit = breaker.acquire()
      breaker.mode = mode
      assert.equal(permit.success(), true)
    })
  }

  it('setting enforce while it is set leaves an open circuit open', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    breaker.open()
    breaker.mode = 'enforce'
    assert.equal(breaker.state, 'open')
  })

  it('back in enforce the rule trips again', () => {
    const breaker = new CircuitBreaker({ failMax: 2, mode: 'off', clock: new ManualClock() })
    fail(breaker, 5)
    breaker.mode = 'enforce'
    assert.equal(breaker.failCounter, 0)
    fail(breaker, 2)
    assert.equal(breaker.state, 'open')
  })

  it('an alarm of an earlier observation does not silence the next', () => {
    const { breaker, alarms } = observe({ failMax: 1 })
    fail(breaker)
    breaker.mode = 'enforce'
    breaker.mode = 'observe'
    fail(breaker)
    assert.equal(alarms.length, 2)
  })

  it('in observe manual transitions change nothing, not even counts', () => {
    const { breaker } = observe({ failMax: 9 })
    fail(breaker, 3)
    for (const move of ['close', 'open', 'halfOpen', 'isolate'] as const) assert.equal(breaker[move](), false)
    assert.equal(breaker.failCounter, 3)
  })

  for (const mode of ['observe', 'off'] as const) {
    it(`in ${mode} the open time of a manual opening is not computed, since it does not open`, () => {
      let asked = 0
      const { breaker } = observe({ mode, timeoutDuration: () => ++asked })
      breaker.open()
      assert.equal(asked, 0)
    })
  }

  it('off passes everything and records nothing', async () => {
    const received: string[] = []
    const receive = (hook: string) => () => received.push(hook)
    const breaker = new CircuitBreaker({
      failMax: 1,
      mode: 'off',
      listeners: [
        {
          beforeCall: receive('beforeCall'),
          success: receive('success'),
          failure: receive('failure'),
          ignored: receive('ignored'),
          late: receive('late'),
          wouldTrip: receive('wouldTrip'),
          stateChange: receive('stateChange'),
        },
      ],
    })
    const { takenAt: _, ...before } = breaker.snapshot()
    const error = new Error('mine')
    for (let i = 0; i < 3; i++)
      await assert.rejects(
        breaker.call(() => Promise.reject(error)),
        error,
      )
    assert.equal(await breaker.run(() => 1), 1)
    assert.equal(await breaker.wrap((n: number) => n)(2), 2)
    assert.equal(
      breaker.callSync(() => 3),
      3,
    )
    assert.equal(breaker.acquire().failure(error), true)
    assert.equal(breaker.acquire().ignore(), true)
    const { takenAt: __, ...after } = breaker.snapshot()
    assert.deepEqual(after, before)
    assert.deepEqual(received, [])
  })

  it('off still runs the fallback of a failing call', async () => {
    const breaker = new CircuitBreaker({ mode: 'off' })
    assert.equal(
      await breaker.run(() => Promise.reject(new Error('down')), { fallback: () => 'instead' }),
      'instead',
    )
  })

  it('a permit in mode off settles once, too', () => {
    const permit = new CircuitBreaker({ mode: 'off' }).acquire()
    assert.equal(permit.success(), true)
    assert.equal(permit.success(), false)
  })

  it('a permit from mode off changes nothing once the mode is enforce again', () => {
    const breaker = new CircuitBreaker({ mode: 'off', failMax: 1 })
    const permit = breaker.acquire()
    breaker.mode = 'enforce'
    permit.failure(new Error('down'))
    assert.equal(breaker.failCounter, 0)
    assert.equal(breaker.state, 'closed')
  })

  it('settling a permit from mode off notices that a lease has ended', () => {
    const { breaker, clock } = observe({ mode: 'off', probeTimeout: 5_000 })
    const permit = breaker.acquire()
    breaker.mode = 'enforce'
    breaker.halfOpen()
    breaker.acquire()
    const transitions = transitionsOf(breaker)
    clock.advance(5_000)
    permit.success()
    assert.deepEqual(transitions, ['half-open > open (probeTimeout)'])
  })

  it('a bad mode is refused and changes nothing', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    breaker.open()
    assert.throws(() => (breaker.mode = 'monitor' as never), TypeError)
    assert.equal(breaker.mode, 'enforce')
    assert.equal(breaker.state, 'open')
  })
})
