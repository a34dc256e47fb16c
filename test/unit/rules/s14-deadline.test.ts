import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { CircuitBreaker } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

describe('S14: the deadline of an opening is inclusive', () => {
  it('S14: rejects one millisecond before the deadline and admits at it', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000 })
    fail(breaker)

    clock.set(999)
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(breaker.retryAfter, 1)
    clock.set(1_000)
    assert.equal(breaker.retryAfter, 0)
    assert.ok(breaker.tryAcquire())
  })

  it('S14: counts from the failure that opened the circuit, not from when its call began', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000 })
    const permit = breaker.acquire()
    clock.advance(700)
    permit.failure()

    clock.set(1_699)
    assert.equal(breaker.state, 'open')
    clock.set(1_700)
    assert.equal(breaker.state, 'half-open')
  })

  it('S14: holds to the millisecond for any length, clock and moment', () => {
    // Readings are multiples of 1/1024 ms, which are exact; a length may be any number.
    const ticks = (min: number, max: number): fc.Arbitrary<number> =>
      fc.integer({ min: min * 1_024, max: max * 1_024 }).map((n) => n / 1_024)
    const lengths = fc.double({ min: 0, max: 1e7, noNaN: true })
    fc.assert(
      fc.property(ticks(-1e9, 2e12), lengths, ticks(0, 1e7), (start, length, passed) => {
        const clock = new ManualClock(start)
        const breaker = new CircuitBreaker({ clock })
        breaker.open({ for: length })
        clock.advance(passed)

        const left = breaker.retryAfter
        assert.ok(Number.isInteger(left))
        if (left === 0) return
        const asked = clock.now()
        clock.set(asked + left - 1)
        assert.equal(breaker.tryAcquire(), undefined, 'admitted before its time')
        clock.set(asked + left)
        assert.ok(breaker.tryAcquire(), 'not admitted in time')
      }),
      { numRuns: 1_000 },
    )
  })

  it('S14: rounds the remaining time up, so that no caller retries too early', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock })
    breaker.open({ for: 10.25 })
    assert.equal(breaker.retryAfter, 11)
    clock.advance(9.5)
    assert.equal(breaker.retryAfter, 1)
    clock.advance(0.75)
    assert.equal(breaker.retryAfter, 0)
  })

  it('S14: an open time of 0 admits a probe at once', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock(), failMax: 1, timeoutDuration: 0 })
    fail(breaker)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 0)
    assert.ok(breaker.tryAcquire())
  })

  it('S14: the retryAfter and reopenTime of a rejection are when a call is admitted', () => {
    const time = fakeTime()
    try {
      const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration: 5_000 })
      fail(breaker)
      time.tick(1_234)
      assert.throws(() => breaker.acquire(), { retryAfter: 3_766, reopenTime: new Date(Date.now() + 3_766) })
      assert.deepEqual(breaker.reopenTime, new Date(Date.now() + 3_766))
      time.tick(3_765)
      assert.equal(breaker.tryAcquire(), undefined)
      time.tick(1)
      assert.ok(breaker.tryAcquire())
    } finally {
      time.uninstall()
    }
  })

  it('S14: the end of a lease is inclusive, too: at it, the probe has failed', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 100, probeTimeout: 500 })
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(499)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 1)
    clock.advance(1)
    assert.equal(breaker.state, 'open')
  })
})
