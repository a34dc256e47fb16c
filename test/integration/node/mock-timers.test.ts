import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { CircuitBreaker, exponentialBackoff, failureRate, slowCallRate } from '../../../src/index.ts'
import { fail } from '../../helpers/calls.ts'
import { stateOf } from '../../helpers/next-tick.ts'

describe('S13: the mock timers of node:test, which do not mock performance.now()', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date', 'setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('S13: move an opening, to the millisecond', () => {
    const breaker = new CircuitBreaker({ failMax: 1 })
    fail(breaker)
    mock.timers.tick(59_999)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 1)
    assert.equal(breaker.tryAcquire(), undefined)
    mock.timers.tick(1)
    assert.equal(breaker.state, 'half-open')
    assert.ok(breaker.tryAcquire())
  })

  it('S13: move backoff', () => {
    const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'none' })
    const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration })
    for (const length of [1_000, 2_000, 4_000]) {
      fail(breaker)
      mock.timers.tick(length - 1)
      assert.equal(breaker.state, 'open')
      mock.timers.tick(1)
      assert.equal(breaker.state, 'half-open')
    }
  })

  it('S13: move a caller that waits', async () => {
    const breaker = new CircuitBreaker()
    breaker.open({ for: 5_000 })
    const ready = breaker.ready()
    mock.timers.tick(4_999)
    assert.equal(await stateOf(ready), 'pending')
    mock.timers.tick(1)
    await ready
  })

  it('S13: move a timeout', async () => {
    const breaker = new CircuitBreaker({ callTimeout: 500 })
    const call = breaker.call(() => new Promise(() => {}))
    mock.timers.tick(499)
    assert.equal(await stateOf(call), 'pending')
    mock.timers.tick(1)
    await assert.rejects(call, { code: 'CALL_TIMEOUT' })
  })

  it('S13: move windows, leases and slow calls with a clock that reads Date', () => {
    const clock = { now: () => Date.now() }
    const window = failureRate({ threshold: 1, minCalls: 9, window: 1_000, buckets: 1_000 })
    const windowed = new CircuitBreaker({ clock, trip: window })
    fail(windowed)
    mock.timers.tick(999)
    assert.equal(windowed.snapshot().counts.failures, 1)
    mock.timers.tick(1)
    assert.equal(windowed.snapshot().counts.failures, 0)

    const probed = new CircuitBreaker({ clock, probeTimeout: 2_000 })
    probed.halfOpen()
    probed.acquire()
    mock.timers.tick(1_999)
    assert.equal(probed.state, 'half-open')
    mock.timers.tick(1)
    assert.equal(probed.state, 'open')

    const slow = slowCallRate({ threshold: 1, minCalls: 1, slowerThan: 100, lastCalls: 1 })
    const timed = new CircuitBreaker({ clock, trip: slow })
    const permit = timed.acquire()
    mock.timers.tick(101)
    permit.success()
    assert.equal(timed.state, 'open')
  })
})
