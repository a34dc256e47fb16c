import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker, failureRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

/** Reads everything that can be read of a breaker. */
function readAll(breaker: CircuitBreaker): unknown {
  const { name, state, failCounter, retryAfter, reopenTime, options, mode } = breaker
  return [name, state, failCounter, retryAfter, reopenTime, options, mode, breaker.snapshot()]
}

/** Brings a breaker into each state; the keys describe it. */
const situations: Record<string, (breaker: CircuitBreaker, clock: ManualClock) => void> = {
  closed: (breaker) => fail(breaker, 2),
  open: (breaker) => fail(breaker, 3),
  'half-open, which no call has noticed yet': (breaker, clock) => {
    fail(breaker, 3)
    clock.advance(1_000)
  },
  'half-open, with a probe': (breaker, clock) => {
    fail(breaker, 3)
    clock.advance(1_000)
    breaker.acquire()
  },
  isolated: (breaker) => breaker.isolate(),
}

function make(clock: ManualClock, more: CircuitBreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker({ name: 'b', clock, failMax: 3, timeoutDuration: 1_000, ...more })
}

describe('S15: reads are pure', () => {
  for (const [situation, reach] of Object.entries(situations)) {
    it(`S15: reading any number of times gives the same result, ${situation}`, () => {
      const clock = new ManualClock()
      const breaker = make(clock)
      reach(breaker, clock)
      const time = fakeTime()
      try {
        const first = readAll(breaker)
        for (let i = 0; i < 20; i++) assert.deepEqual(readAll(breaker), first)
      } finally {
        time.uninstall()
      }
    })

    it(`S15: a read takes no permit and emits nothing, ${situation}`, () => {
      const clock = new ManualClock()
      const breaker = make(clock)
      const received: string[] = []
      reach(breaker, clock)
      const receive = (hook: string) => () => received.push(hook)
      breaker.addListener({
        beforeCall: receive('beforeCall'),
        rejected: receive('rejected'),
        ignored: receive('ignored'),
        stateChange: receive('stateChange'),
      })
      const { inFlight, rejected } = breaker.snapshot()
      readAll(breaker)
      assert.deepEqual(received, [])
      assert.equal(breaker.snapshot().inFlight, inFlight)
      assert.equal(breaker.snapshot().rejected, rejected)
    })
  }

  it('S15: a circuit whose open time has passed is half-open without a transition, until a call asks', () => {
    const clock = new ManualClock()
    const breaker = make(clock)
    fail(breaker, 3)
    const transitions = transitionsOf(breaker)
    clock.advance(1_000)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().state, 'half-open')
    assert.deepEqual(transitions, [])
    breaker.acquire()
    assert.deepEqual(transitions, ['open > half-open (timeoutElapsed)'])
  })

  it('S15: reads in between do not change what follows', () => {
    const step = fc.oneof(
      fc
        .constantFrom('succeed', 'fail', 'ignore', 'halfOpen', 'open', 'close')
        .map((kind) => ({ kind, by: 0 })),
      fc.integer({ min: 0, max: 1_500 }).map((by) => ({ kind: 'advance', by })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, windowed) => {
        const outcomes = [false, true].map((reading) => {
          const clock = new ManualClock()
          const trip = failureRate({ threshold: 0.5, minCalls: 3, window: 2_000, buckets: 7 })
          const rule = windowed ? { trip, failMax: undefined } : {}
          const breaker = make(clock, { ...rule, attemptDecay: 3_000, probeTimeout: 1_500 })
          const transitions = transitionsOf(breaker)
          for (const { kind, by } of steps) {
            if (kind === 'advance') clock.advance(by)
            else if (kind === 'open' || kind === 'halfOpen' || kind === 'close') breaker[kind]()
            else {
              const permit = breaker.tryAcquire()
              if (kind === 'succeed') permit?.success()
              else if (kind === 'fail') permit?.failure(new Error('down'))
            }
            if (reading) readAll(breaker)
          }
          breaker.tryAcquire() // the next operation publishes an ended lease that a read has noticed
          const { takenAt: _takenAt, since: _since, ...rest } = breaker.snapshot()
          return { rest, transitions }
        })
        assert.deepEqual(outcomes[1], outcomes[0])
      }),
      { numRuns: 500 },
    )
  })

  it('S15: a read does not begin the decay of a restored escalation', () => {
    const time = fakeTime()
    try {
      const attempts = [false, true].map((reading) => {
        const base = new CircuitBreaker().snapshot()
        const breaker = new CircuitBreaker({
          failMax: 1,
          attemptDecay: 1_000,
          restore: { ...base, attempt: 3 },
        })
        if (reading) breaker.snapshot()
        time.tick(2_000)
        fail(breaker)
        return breaker.snapshot().attempt
      })
      assert.equal(attempts[1], attempts[0])
    } finally {
      time.uninstall()
    }
  })

  it('S15: a read of the past, after the clock stepped back, changes nothing', () => {
    const clock = new ManualClock(5_000)
    const breaker = make(clock)
    fail(breaker, 3)
    clock.advance(400)
    assert.equal(breaker.retryAfter, 600)
    clock.set(0)
    assert.equal(breaker.retryAfter, 600)
    clock.advance(599)
    assert.equal(breaker.retryAfter, 1)
    clock.advance(1)
    assert.equal(breaker.retryAfter, 0)
  })

  it('S15: time windows forget when they are read, without a call', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({
      clock,
      trip: failureRate({ threshold: 1, minCalls: 1, window: 100, buckets: 1 }),
      mode: 'observe',
    })
    succeed(breaker)
    fail(breaker)
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 0 })
    clock.advance(100)
    assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
  })
})
