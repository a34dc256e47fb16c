import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, exponentialBackoff } from '../../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { rejectionOf } from '../../helpers/rejection.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

describe('S20: calls in flight when the circuit opens', () => {
  it('S20: run to their end, and their callers get their own results', async () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    const dependency = new ScriptedDependency<string>(['hang'])
    const [first, second] = [breaker.call(dependency.call), breaker.call(dependency.call)]
    fail(breaker)
    const error = new Error('mine')
    dependency.hanging[0]?.resolve('value')
    dependency.hanging[1]?.reject(error)
    assert.equal(await first, 'value')
    await assert.rejects(second, (thrown) => thrown === error)
    assert.equal(breaker.snapshot().late, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S20: are in flight until they end, though their period has ended', () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    const permits = [breaker.acquire(), breaker.acquire()]
    fail(breaker)
    assert.equal(breaker.snapshot().inFlight, 2)
    permits[0]?.success()
    assert.equal(breaker.snapshot().inFlight, 1)
    permits[1]?.ignore()
    assert.equal(breaker.snapshot().inFlight, 0)
  })

  it('S20: extend nothing: the deadline stays where the first failure put it', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000 })
    const permits = Array.from({ length: 20 }, () => breaker.acquire())
    for (const permit of permits) {
      permit.failure(new Error('down'))
      clock.advance(10)
    }
    assert.equal(breaker.retryAfter, 800)
    assert.equal(breaker.snapshot().attempt, 1)
    assert.equal(breaker.snapshot().late, 19)
  })

  it('S20: re-open nothing: a late failure counts neither while half-open nor once closed again', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({
      clock,
      failMax: 1,
      timeoutDuration: exponentialBackoff({ initial: 100, jitter: 'none' }),
    })
    const permits = [breaker.acquire(), breaker.acquire()]
    fail(breaker)
    const transitions = transitionsOf(breaker)
    clock.advance(100)
    const probe = breaker.acquire()
    assert.equal(permits[0]?.failure(new Error('late')), false)
    assert.equal(breaker.state, 'half-open')
    probe.success()
    assert.equal(permits[1]?.failure(new Error('later')), false)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 0)
    assert.deepEqual(transitions, [
      'open > half-open (timeoutElapsed)',
      'half-open > closed (probeSucceeded)',
    ])
  })

  it('S20: close nothing: a late success is not the success of a probe', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 100 })
    const early = breaker.acquire()
    fail(breaker)
    assert.equal(early.success(), false)
    assert.equal(breaker.state, 'open')

    clock.advance(100)
    const probe = breaker.acquire()
    breaker.open({ for: 50 })
    clock.advance(50)
    breaker.halfOpen()
    assert.equal(probe.success(), false)
    assert.equal(breaker.state, 'half-open')
    assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
  })

  it('S20: a late failure does not become the cause of rejections', () => {
    const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
    const early = breaker.acquire()
    const cause = new Error('the one that opened it')
    breaker.acquire().failure(cause)
    early.failure(new Error('late'))
    assert.equal((rejectionOf(breaker).cause as Error).message, cause.message)
    assert.deepEqual(breaker.snapshot().lastFailure, { name: 'Error', message: cause.message })
  })
})
