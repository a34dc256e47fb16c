import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate, slowCallRate } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'

const NONE = { calls: 0, successes: 0, failures: 0, slow: 0 }
const rate = failureRate({ threshold: 0.5, minCalls: 4, lastCalls: 10 })
const ratesOverTime = failureRate({ threshold: 0.5, minCalls: 4, window: 10_000 })

for (const [kind, trip] of Object.entries({ count: rate, time: ratesOverTime })) {
  const make = (): CircuitBreaker => new CircuitBreaker({ clock: new ManualClock(), trip })

  describe(`S17: what counts in a ${kind} window`, () => {
    it('S17: calls in flight do not count', () => {
      const breaker = make()
      for (let i = 0; i < 10; i++) breaker.acquire()
      fail(breaker, 3)
      assert.equal(breaker.snapshot().counts.calls, 3)
      assert.equal(breaker.state, 'closed')
      fail(breaker)
      assert.equal(breaker.snapshot().tripReason, 'failureRate')
    })

    it('S17: ignored calls do not count', () => {
      const breaker = make()
      for (let i = 0; i < 9; i++) breaker.acquire().ignore()
      fail(breaker, 3)
      assert.deepEqual(breaker.snapshot().counts, { calls: 3, successes: 0, failures: 3, slow: 0 })
      assert.equal(breaker.state, 'closed')
    })

    it('S17: rejected calls do not count', () => {
      const breaker = make()
      breaker.open()
      for (let i = 0; i < 9; i++) assert.equal(breaker.tryAcquire(), undefined)
      assert.deepEqual(breaker.snapshot().counts, NONE)
      breaker.close()
      assert.deepEqual(breaker.snapshot().counts, NONE)
    })

    it('S17: late results do not count', () => {
      const breaker = make()
      const permits = Array.from({ length: 9 }, () => breaker.acquire())
      breaker.open()
      breaker.close()
      for (const permit of permits) permit.failure(new Error('late'))
      assert.deepEqual(breaker.snapshot().counts, NONE)
      assert.equal(breaker.snapshot().late, 9)
      assert.equal(breaker.state, 'closed')
    })

    it('S17: every transition starts an empty window', () => {
      const breaker = make()
      const filled = (): void => {
        succeed(breaker, 3)
        fail(breaker, 2)
        assert.equal(breaker.snapshot().counts.calls, 5)
      }
      for (const leave of ['open', 'isolate', 'halfOpen'] as const) {
        filled()
        breaker[leave]()
        assert.deepEqual(breaker.snapshot().counts, NONE, leave)
        breaker.close()
        assert.deepEqual(breaker.snapshot().counts, NONE, leave)
        assert.equal(breaker.snapshot().failureRate, null, leave)
      }
    })

    it('S17: after a recovery the failures from before the trip trip nothing', () => {
      const clock = new ManualClock()
      const breaker = new CircuitBreaker({ clock, trip, timeoutDuration: 10 })
      fail(breaker, 4)
      clock.advance(10)
      succeed(breaker)
      assert.equal(breaker.state, 'closed')
      fail(breaker, 3)
      assert.equal(breaker.state, 'closed')
      fail(breaker)
      assert.equal(breaker.state, 'open')
    })
  })
}

describe('S17: slow calls', () => {
  it('S17: an ignored call is not slow, however long it takes', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 10, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip })
    const permit = breaker.acquire()
    clock.advance(1_000)
    permit.ignore()
    assert.deepEqual(breaker.snapshot().counts, NONE)
    assert.equal(breaker.state, 'closed')
  })

  it('S17: the results of probes are not in the window of the closed state that follows', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 10, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip, halfOpen: { calls: 3, successes: 2 } })
    breaker.halfOpen()
    fail(breaker)
    succeed(breaker)
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 0 })
    assert.equal(breaker.snapshot().failureRate, 0.5)
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(breaker.snapshot().counts, NONE)
    assert.equal(breaker.failCounter, 0)
  })
})
