import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  slowCallRate,
  type CircuitBreakerOptions,
  type TripRule,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'

function ignore(breaker: CircuitBreaker, times = 1): void {
  for (let i = 0; i < times; i++) breaker.acquire().ignore()
}

function reject(breaker: CircuitBreaker, times = 1): void {
  for (let i = 0; i < times; i++) assert.equal(breaker.tryAcquire(), undefined)
}

function halfOpened(halfOpen: CircuitBreakerOptions['halfOpen']): CircuitBreaker {
  const breaker = new CircuitBreaker({ clock: new ManualClock(), halfOpen })
  breaker.halfOpen()
  return breaker
}

describe('S4: outcomes', () => {
  it('S4: every call ends in one of four ways, and each has its event', async () => {
    const breaker = new CircuitBreaker({ failMax: 2, exclude: [RangeError] })
    const events = eventsOf(breaker)
    await breaker.call(() => 'fine')
    await assert.rejects(breaker.call(() => Promise.reject(new Error('down'))))
    await assert.rejects(breaker.call(() => Promise.reject(new RangeError('excluded'))))
    breaker.isolate()
    await assert.rejects(breaker.call(() => 'never runs'))
    assert.deepEqual(
      events.filter((event) => event !== 'beforeCall'),
      ['success', 'failure', 'ignored', 'closed > isolated', 'rejected'],
    )
  })

  it('S4: an ignored call counts nothing and resets nothing, before, between and after failures', () => {
    const breaker = new CircuitBreaker({ failMax: 3 })
    ignore(breaker, 10)
    fail(breaker)
    ignore(breaker, 10)
    fail(breaker)
    ignore(breaker, 10)
    assert.equal(breaker.failCounter, 2)
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 0, failures: 2, slow: 0 })
    assert.equal(breaker.snapshot().ignored, 30)
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S4: a success resets the run of failures', () => {
    const breaker = new CircuitBreaker({ failMax: 3 })
    fail(breaker, 2)
    succeed(breaker)
    assert.equal(breaker.failCounter, 0)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S4: no number of ignored calls and successes opens a circuit', () => {
    for (const trip of [
      consecutiveFailures(1),
      failureRate({ threshold: 0.01, lastCalls: 10, minCalls: 1 }),
      failureCount({ count: 1, window: 1_000 }),
      slowCallRate({ threshold: 0.01, slowerThan: 10, lastCalls: 10, minCalls: 1 }),
    ]) {
      const breaker = new CircuitBreaker({ trip, clock: new ManualClock() })
      for (let i = 0; i < 50; i++) {
        ignore(breaker, 2)
        succeed(breaker)
      }
      assert.equal(breaker.state, 'closed')
    }
  })

  it('S4: an ignored call is not slow, however long it took', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 0.1, slowerThan: 10, lastCalls: 10, minCalls: 1 })
    const breaker = new CircuitBreaker({ trip, clock })
    const permit = breaker.acquire()
    clock.advance(1_000)
    assert.equal(permit.ignore(), true)
    assert.equal(breaker.state, 'closed')
    assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
  })

  const rates: Record<string, TripRule> = {
    'the last calls': failureRate({ threshold: 0.5, lastCalls: 4 }),
    'the last milliseconds': failureRate({ threshold: 0.5, window: 1_000, minCalls: 4 }),
  }
  for (const [span, trip] of Object.entries(rates)) {
    it(`S4: ignored calls do not dilute a rate of ${span}`, () => {
      const breaker = new CircuitBreaker({ trip, clock: new ManualClock() })
      succeed(breaker, 2)
      fail(breaker)
      ignore(breaker, 100)
      assert.equal(breaker.snapshot().failureRate, null, 'nor do they make up the minimum')
      fail(breaker)
      assert.equal(breaker.state, 'open')
    })

    it(`S4: rejected calls never enter a rate of ${span}`, () => {
      const breaker = new CircuitBreaker({ trip, clock: new ManualClock() })
      breaker.isolate()
      reject(breaker, 100)
      breaker.close()
      assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
      succeed(breaker, 3)
      fail(breaker)
      assert.equal(breaker.snapshot().failureRate, 0.25)
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.snapshot().rejected, 100)
    })
  }

  it('S4: rejected calls are no probes: they neither count in nor decide a half-open period', () => {
    const breaker = halfOpened({ calls: 2, concurrent: 1 })
    const probe = breaker.acquire()
    reject(breaker, 50)
    assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
    assert.equal(breaker.snapshot().failureRate, null)
    probe.success()
    assert.equal(breaker.snapshot().failureRate, 0)
    assert.equal(breaker.state, 'half-open')
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().rejected, 50)
  })

  it('S4: rejected calls extend no opening', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 1_000 })
    fail(breaker)
    for (let i = 0; i < 10; i++) {
      clock.advance(99)
      reject(breaker, 5)
    }
    assert.equal(breaker.retryAfter, 10)
    assert.equal(breaker.snapshot().attempt, 1)
  })

  it('S4: ignored probes neither close a half-open circuit nor re-open it', () => {
    for (const halfOpen of [{}, { calls: 3 }, { calls: 3, successes: 1 }, { calls: 5, concurrent: 2 }]) {
      const breaker = halfOpened(halfOpen)
      ignore(breaker, 100)
      assert.equal(breaker.state, 'half-open')
      assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
    }
  })

  it('S4: an ignored probe gives its permit back at once', () => {
    const breaker = halfOpened({ calls: 2 })
    const [first, second] = [breaker.acquire(), breaker.acquire()]
    reject(breaker)
    first.ignore()
    assert.equal(breaker.retryAfter, 0)
    const third = breaker.acquire()
    reject(breaker)
    assert.equal(second.success(), true)
    assert.equal(third.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S4: an ignored probe does not undo the outcomes of others', () => {
    const closing = halfOpened({ calls: 3, successes: 2 })
    succeed(closing)
    fail(closing)
    ignore(closing, 5)
    assert.deepEqual(closing.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 0 })
    succeed(closing)
    assert.equal(closing.state, 'closed')

    const reopening = halfOpened({ calls: 3, successes: 2 })
    succeed(reopening)
    fail(reopening)
    ignore(reopening, 5)
    fail(reopening)
    assert.equal(reopening.state, 'open')
  })

  it('S4: an error that a classifier calls a success is one, and its caller still gets the error', async () => {
    const breaker = new CircuitBreaker({ failMax: 3, classifyError: () => 'success' })
    breaker.acquire().failure()
    assert.equal(breaker.failCounter, 1)
    const error = new Error('not found')
    await assert.rejects(
      breaker.call(() => Promise.reject(error)),
      (thrown) => thrown === error,
    )
    assert.equal(breaker.failCounter, 0)
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('S4: a result that a classifier calls a failure is one, and its caller still gets the result', async () => {
    const breaker = new CircuitBreaker({
      failMax: 2,
      classifyResult: (value) => (value === 503 ? 'failure' : value === 404 ? 'ignored' : undefined),
    })
    assert.equal(await breaker.call(async () => 503), 503)
    assert.equal(await breaker.call(async () => 404), 404)
    assert.equal(breaker.failCounter, 1)
    assert.equal(
      breaker.callSync(() => 503),
      503,
    )
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().ignored, 1)
  })

  it('S4: a permit that is settled with an argument is classified; without one, the method decides', () => {
    const make = (): CircuitBreaker =>
      new CircuitBreaker({ classifyError: () => 'ignored', classifyResult: () => 'failure' })
    const settled: [(breaker: CircuitBreaker) => unknown, string][] = [
      [(breaker) => breaker.acquire().success(), 'success'],
      [(breaker) => breaker.acquire().success(undefined), 'failure'],
      [(breaker) => breaker.acquire().success(1), 'failure'],
      [(breaker) => breaker.acquire().failure(), 'failure'],
      [(breaker) => breaker.acquire().failure(undefined), 'ignored'],
      [(breaker) => breaker.acquire().failure(new Error('x')), 'ignored'],
    ]
    for (const [settle, outcome] of settled) {
      const breaker = make()
      const events = eventsOf(breaker)
      settle(breaker)
      assert.deepEqual(events, ['beforeCall', outcome], String(settle))
    }
  })
})
