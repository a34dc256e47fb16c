import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anyOf, CircuitBreaker, failureCount, failureRate, slowCallRate } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'

describe('S18: windows', () => {
  it('S18: a time window is exact to one bucket', () => {
    const clock = new ManualClock()
    const trip = failureCount({ count: 2, window: 1_000, buckets: 4 })
    const after = (first: number, second: number): string => {
      const breaker = new CircuitBreaker({ clock, trip })
      clock.set(first)
      fail(breaker)
      clock.set(second)
      fail(breaker)
      return breaker.state
    }
    assert.equal(after(10_000, 10_999), 'open')
    assert.equal(after(20_000, 21_000), 'closed')
    assert.equal(after(30_249, 30_999), 'open')
    assert.equal(after(40_249, 41_000), 'closed')
    assert.equal(after(50_250, 51_249), 'open')
    assert.equal(after(60_250, 61_250), 'closed')
  })

  it('S18: a time window has 10 buckets by default', () => {
    const clock = new ManualClock(1_099)
    const breaker = new CircuitBreaker({ clock, trip: failureCount({ count: 2, window: 1_000 }) })
    fail(breaker)
    clock.set(1_999)
    assert.equal(breaker.snapshot().counts.failures, 1)
    clock.set(2_000)
    assert.equal(breaker.snapshot().counts.failures, 0)
  })

  it('S18: nine failures, an idle hour and one more do not trip', () => {
    const clock = new ManualClock()
    const trip = failureRate({ threshold: 0.5, minCalls: 10, window: 30_000 })
    const breaker = new CircuitBreaker({ clock, trip })
    fail(breaker, 9)
    clock.advance(3_600_000)
    fail(breaker)
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 0, failures: 1, slow: 0 })
  })

  it('S18: a window expires at the read itself, in steps of one bucket', () => {
    const clock = new ManualClock()
    const trip = failureRate({ threshold: 1, minCalls: 100, window: 100, buckets: 5 })
    const breaker = new CircuitBreaker({ clock, trip })
    for (let i = 0; i < 5; i++, clock.advance(20)) succeed(breaker, i + 1)
    const seen: number[] = []
    for (; clock.now() <= 200; clock.advance(20)) seen.push(breaker.snapshot().counts.calls)
    assert.deepEqual(seen, [14, 12, 9, 5, 0, 0])
  })

  it('S18: a clock that starts below zero makes no difference', () => {
    for (const start of [-1e9 - 50, -1_000, -999, -1, 0, 1]) {
      const base = Math.floor(start / 100) * 100
      const clock = new ManualClock(start)
      const trip = failureCount({ count: 2, window: 1_000, buckets: 10 })
      const breaker = new CircuitBreaker({ clock, trip })
      fail(breaker)
      clock.set(base + 999)
      assert.equal(breaker.snapshot().counts.failures, 1, `${start}`)
      clock.set(base + 1_000)
      assert.equal(breaker.snapshot().counts.failures, 0, `${start}`)
    }
  })

  it('S18: the last n calls count, however old they are', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, trip: failureCount({ count: 3, lastCalls: 5 }) })
    for (let i = 0; i < 2; i++, clock.advance(1e9)) fail(breaker)
    succeed(breaker, 2)
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S18: a window of the last n calls drops the oldest at call n + 1', () => {
    const breaker = new CircuitBreaker({ trip: failureCount({ count: 3, lastCalls: 5 }) })
    fail(breaker, 2)
    succeed(breaker, 3)
    fail(breaker)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().counts.failures, 2)
  })

  it('S18: every window records calls, failures and slow calls, whatever its rule needs', () => {
    const clock = new ManualClock()
    const trip = anyOf(
      failureCount({ count: 9, lastCalls: 10 }),
      slowCallRate({ threshold: 1, minCalls: 9, slowerThan: 5, lastCalls: 10 }),
    )
    const breaker = new CircuitBreaker({ clock, trip })
    const permit = breaker.acquire()
    clock.advance(6)
    permit.success()
    fail(breaker)
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 1 })
  })

  it('S18: each rule has a window of its own, and a snapshot shows the first listed', () => {
    const clock = new ManualClock()
    const trip = anyOf(
      failureRate({ threshold: 1, minCalls: 3, lastCalls: 3 }),
      failureRate({ threshold: 1, minCalls: 9, lastCalls: 9 }),
    )
    const breaker = new CircuitBreaker({ clock, trip })
    succeed(breaker, 5)
    assert.equal(breaker.snapshot().counts.calls, 3)
  })

  it('S18: an enormous gap costs no time: a million buckets expire as fast as one', () => {
    const clock = new ManualClock()
    const trip = failureRate({ threshold: 1, minCalls: 3, window: 0.01, buckets: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    for (let i = 0; i < 1_000; i++) {
      fail(breaker)
      clock.advance(1e9)
    }
    assert.equal(breaker.snapshot().counts.calls, 0)
    assert.equal(breaker.state, 'closed')
  })

  it('S18: a clock with readings beyond 2^53 buckets cannot hang a call', () => {
    const clock = new ManualClock(2 ** 60)
    const trip = failureRate({ threshold: 1, minCalls: 9, window: 1_000, buckets: 1_000 })
    const breaker = new CircuitBreaker({ clock, trip })
    for (let i = 0; i < 3; i++, clock.advance(256)) fail(breaker)
    assert.equal(breaker.failCounter, 3)
  })
})
