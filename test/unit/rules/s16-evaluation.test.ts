import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  slowCallRate,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'

/** Makes a call that takes `duration` ms. */
function take(breaker: CircuitBreaker, clock: ManualClock, duration: number, failed = false): void {
  const permit = breaker.acquire()
  clock.advance(duration)
  if (failed) permit.failure(new Error('down'))
  else permit.success()
}

describe('S16: when a rule is evaluated, and what it compares', () => {
  it('S16: a fast success never trips, even if the rate is over the threshold', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, minCalls: 10, lastCalls: 20 }) })
    fail(breaker, 9)
    succeed(breaker)
    assert.equal(breaker.snapshot().failureRate, 0.9)
    assert.equal(breaker.state, 'closed')
    succeed(breaker, 8)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().failureRate, 0.5)
  })

  it('S16: a success that pushes another success out of the window does not trip', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, minCalls: 4, lastCalls: 4 }) })
    succeed(breaker, 3)
    fail(breaker)
    succeed(breaker)
    breaker.configure({ trip: failureRate({ threshold: 0.25, minCalls: 4, lastCalls: 4 }) })
    succeed(breaker)
    assert.equal(breaker.snapshot().failureRate, 0.25)
    assert.equal(breaker.state, 'closed')
  })

  it('S16: the next failure trips what the success did not', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, minCalls: 3, lastCalls: 20 }) })
    fail(breaker, 2)
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: a threshold is met when it is reached', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 0.5, minCalls: 1, lastCalls: 100 }) })
    succeed(breaker, 3)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: counts trip when they are reached', () => {
    const breaker = new CircuitBreaker({ trip: failureCount({ count: 3, lastCalls: 10 }) })
    for (let i = 0; i < 2; i++) {
      fail(breaker)
      succeed(breaker)
    }
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: a run trips when it is reached', () => {
    const breaker = new CircuitBreaker({ trip: consecutiveFailures(3) })
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: a rate is not rounded: 2 of 3 is below 0.67', () => {
    const trip = failureRate({ threshold: 0.67, minCalls: 1, lastCalls: 3 })
    const breaker = new CircuitBreaker({ trip })
    succeed(breaker)
    fail(breaker, 2)
    assert.equal(breaker.snapshot().failureRate, 2 / 3)
    assert.equal(breaker.state, 'closed')
  })

  it('S16: a rate is not rounded: 1 of 3 reaches 1 / 3', () => {
    const breaker = new CircuitBreaker({ trip: failureRate({ threshold: 1 / 3, minCalls: 3, lastCalls: 3 }) })
    succeed(breaker, 2)
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: slow is strictly longer', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 100, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 100)
    assert.equal(breaker.snapshot().counts.slow, 0)
    assert.equal(breaker.state, 'closed')
    breaker.close()
    take(breaker, clock, 100.25)
    assert.equal(breaker.state, 'open')
  })

  it('S16: a slow success is evaluated and may trip', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 0.5, minCalls: 2, slowerThan: 10, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 11)
    take(breaker, clock, 11)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'slowCallRate')
  })

  it('S16: a slow success makes the failure rules be evaluated, too', () => {
    const clock = new ManualClock()
    const trip = anyOf(
      failureRate({ threshold: 0.5, minCalls: 3, lastCalls: 10 }),
      slowCallRate({ threshold: 1, minCalls: 10, slowerThan: 10, lastCalls: 10 }),
    )
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 0, true)
    take(breaker, clock, 0, true)
    take(breaker, clock, 11)
    assert.equal(breaker.snapshot().tripReason, 'failureRate')
  })

  it('S16: a slow failure counts as both', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 5, slowerThan: 10, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 11, true)
    take(breaker, clock, 1)
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 1 })
    assert.equal(breaker.failCounter, 0)
  })

  it('S16: a slow failure adds to the run, a slow success ends it', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 9, slowerThan: 10, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 11, true)
    take(breaker, clock, 11, true)
    assert.equal(breaker.failCounter, 2)
    take(breaker, clock, 11)
    assert.equal(breaker.failCounter, 0)
  })

  it('S16: below minCalls the rates are null, at it they are numbers', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 3, slowerThan: 10, window: 1_000 })
    const breaker = new CircuitBreaker({ clock, trip })
    take(breaker, clock, 0)
    take(breaker, clock, 0, true)
    assert.equal(breaker.snapshot().failureRate, null)
    assert.equal(breaker.snapshot().slowCallRate, null)
    take(breaker, clock, 11)
    assert.equal(breaker.snapshot().failureRate, 1 / 3)
    assert.equal(breaker.snapshot().slowCallRate, 1 / 3)
  })

  it('S16: a rate is null without calls, also where no calls are needed to meet minCalls', () => {
    const breaker = new CircuitBreaker()
    assert.equal(breaker.snapshot().failureRate, null)
    assert.equal(breaker.snapshot().slowCallRate, null)
  })

  it('S16: does not trip below minCalls, whatever the rate', () => {
    const breaker = new CircuitBreaker({
      trip: failureRate({ threshold: 0.01, minCalls: 20, lastCalls: 30 }),
    })
    fail(breaker, 19)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S16: minCalls is 20 by default, or lastCalls if that is less', () => {
    const enough = (trip: ReturnType<typeof failureRate>): number => {
      const breaker = new CircuitBreaker({ trip, clock: new ManualClock() })
      let calls = 0
      for (; breaker.state === 'closed'; calls++) fail(breaker)
      return calls
    }
    assert.equal(enough(failureRate({ threshold: 0.5, window: 1_000 })), 20)
    assert.equal(enough(failureRate({ threshold: 0.5, lastCalls: 50 })), 20)
    assert.equal(enough(failureRate({ threshold: 0.5, lastCalls: 7 })), 7)
  })

  it('S16: the minCalls of a slow-call rate have the same defaults', () => {
    const enough = (trip: ReturnType<typeof slowCallRate>): number => {
      const clock = new ManualClock()
      const breaker = new CircuitBreaker({ trip, clock })
      let calls = 0
      for (; breaker.state === 'closed'; calls++) take(breaker, clock, 2)
      return calls
    }
    assert.equal(enough(slowCallRate({ threshold: 0.5, slowerThan: 1, window: 1_000 })), 20)
    assert.equal(enough(slowCallRate({ threshold: 0.5, slowerThan: 1, lastCalls: 50 })), 20)
    assert.equal(enough(slowCallRate({ threshold: 0.5, slowerThan: 1, lastCalls: 7 })), 7)
  })

  it('S16: failureCount waits for minCalls where that is more than count', () => {
    const breaker = new CircuitBreaker({ trip: failureCount({ count: 2, minCalls: 5, lastCalls: 10 }) })
    fail(breaker, 4)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })
})
