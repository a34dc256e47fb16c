import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  slowCallRate,
  type TripRule,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

const run = consecutiveFailures(3)
const rate = failureRate({ threshold: 0.5, minCalls: 3, lastCalls: 10 })
const count = failureCount({ count: 3, lastCalls: 10 })

function reasonOf(trip: TripRule): string | null {
  const breaker = new CircuitBreaker({ trip })
  const transitions = transitionsOf(breaker)
  fail(breaker, 3)
  const { tripReason } = breaker.snapshot()
  assert.deepEqual(transitions, [`closed > open (${tripReason})`])
  assert.throws(() => breaker.acquire(), {
    message: new RegExp(`\\(${tripReason?.replaceAll('+', '\\+')}\\)`),
  })
  return tripReason
}

describe('S19: the run of consecutive failures', () => {
  it('S19: does not age, while the window does', () => {
    const clock = new ManualClock()
    const trip = anyOf(failureRate({ threshold: 1, minCalls: 3, window: 1_000 }), run)
    const breaker = new CircuitBreaker({ clock, trip })
    for (let i = 0; i < 3; i++, clock.advance(3_600_000)) fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
  })

  it('S19: may be longer than the window', () => {
    const trip = anyOf(failureCount({ count: 2, minCalls: 2, lastCalls: 2 }), consecutiveFailures(9))
    const breaker = new CircuitBreaker({ trip, mode: 'observe' })
    fail(breaker, 7)
    assert.equal(breaker.failCounter, 7)
    assert.equal(breaker.snapshot().counts.failures, 2)
  })

  it('S19: is known under rules that do not use it', () => {
    const breaker = new CircuitBreaker({ trip: failureCount({ count: 100, lastCalls: 100 }) })
    fail(breaker, 4)
    assert.equal(breaker.failCounter, 4)
    succeed(breaker)
    assert.equal(breaker.failCounter, 0)
  })

  it('S19: an ignored call does not touch it, a success ends it', () => {
    const breaker = new CircuitBreaker({ trip: run })
    fail(breaker, 2)
    breaker.acquire().ignore()
    assert.equal(breaker.failCounter, 2)
    succeed(breaker)
    assert.equal(breaker.failCounter, 0)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
  })

  it('S19: restarts with each period', () => {
    const breaker = new CircuitBreaker({ failMax: 3, clock: new ManualClock() })
    fail(breaker, 2)
    breaker.open()
    assert.equal(breaker.failCounter, 0)
    breaker.close()
    assert.equal(breaker.failCounter, 0)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
  })

  it('S19: counts the failures of probes while half-open', () => {
    const breaker = new CircuitBreaker({ halfOpen: { calls: 5, successes: 2 }, clock: new ManualClock() })
    breaker.halfOpen()
    fail(breaker, 2)
    assert.equal(breaker.failCounter, 2)
    succeed(breaker)
    assert.equal(breaker.failCounter, 0)
  })
})

describe('S19: tripReason names the rule that tripped', () => {
  it('S19: each rule has its name', () => {
    assert.equal(reasonOf(run), 'consecutiveFailures')
    assert.equal(reasonOf(rate), 'failureRate')
    assert.equal(reasonOf(count), 'failureCount')
  })

  it('S19: with anyOf it is the first listed of those that are met', () => {
    assert.equal(reasonOf(anyOf(run, rate, count)), 'consecutiveFailures')
    assert.equal(reasonOf(anyOf(rate, run, count)), 'failureRate')
    assert.equal(reasonOf(anyOf(count, rate, run)), 'failureCount')
    assert.equal(reasonOf(anyOf(consecutiveFailures(4), count, rate)), 'failureCount')
  })

  it('S19: allOf joins the names with +, in the order in which they are listed', () => {
    assert.equal(reasonOf(allOf(run, rate)), 'consecutiveFailures+failureRate')
    assert.equal(reasonOf(allOf(count, rate, run)), 'failureCount+failureRate+consecutiveFailures')
  })

  it('S19: combinations may be nested', () => {
    assert.equal(
      reasonOf(anyOf(allOf(run, consecutiveFailures(9)), allOf(rate, count))),
      'failureRate+failureCount',
    )
    assert.equal(reasonOf(allOf(anyOf(consecutiveFailures(9), rate), count)), 'failureRate+failureCount')
  })

  it('S19: a slow success can trip, with the name of the slow-call rule as the reason', () => {
    const clock = new ManualClock()
    const slow = slowCallRate({ threshold: 0.5, minCalls: 1, slowerThan: 5, lastCalls: 10 })
    const breaker = new CircuitBreaker({ clock, trip: anyOf(consecutiveFailures(1), slow) })
    const permit = breaker.acquire()
    clock.advance(6)
    permit.success()
    assert.equal(breaker.snapshot().tripReason, 'slowCallRate')
  })

  it('S19: a probe that fails, or whose lease ends, is the reason of the next opening', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 10, probeTimeout: 100 })
    fail(breaker)
    clock.advance(10)
    fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
    clock.advance(10)
    breaker.acquire()
    clock.advance(100)
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
  })

  it('S19: it stays through the half-open period and is cleared when the circuit closes', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 10 })
    assert.equal(breaker.snapshot().tripReason, null)
    fail(breaker)
    clock.advance(10)
    const probe = breaker.acquire()
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
    probe.success()
    assert.equal(breaker.snapshot().tripReason, null)
  })
})
