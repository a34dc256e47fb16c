import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

describe('S9: generators', () => {
  it('S9: the lease of a generator restarts at each value', () => {
    const { breaker, clock } = halfOpen()
    const stream = breaker.wrap(function* () {
      for (let i = 0; i < 5; i++) yield i
    })
    for (const _ of stream()) clock.advance(4_999)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().late, 0)
  })

  it('S9: the lease of an async generator, too', async () => {
    const { breaker, clock } = halfOpen()
    const stream = breaker.wrap(async function* () {
      for (let i = 0; i < 5; i++) yield await Promise.resolve(i)
    })
    for await (const _ of stream()) clock.advance(4_999)
    assert.equal(breaker.state, 'closed')
  })

  it('S9: a generator whose next value takes longer than the lease is late', () => {
    const { breaker, clock } = halfOpen()
    const stream = breaker.wrap(function* () {
      yield 1
      yield 2
    })()
    stream.next()
    clock.advance(3_000)
    stream.next()
    clock.advance(5_000)
    assert.equal(breaker.state, 'open')
    assert.deepEqual(stream.next(), { done: true, value: undefined })
    assert.equal(breaker.snapshot().late, 1)
  })

  it('S9: a renewed lease ends after those that started before the renewal', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 1 } })
    const stream = breaker.wrap(function* () {
      for (;;) yield 0
    })()
    stream.next()
    clock.advance(1_000)
    breaker.acquire()
    clock.advance(1_000)
    stream.next()
    assert.equal(breaker.retryAfter, 4_000)
    clock.advance(4_000)
    assert.equal(breaker.snapshot().counts.failures, 1)
    assert.equal(breaker.state, 'half-open')
    clock.advance(1_000)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 1_000)
  })

  it('S9: a lease that has ended is not renewed', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 1 } })
    const stream = breaker.wrap(function* () {
      for (;;) yield 0
    })()
    stream.next()
    clock.advance(5_000)
    stream.next()
    assert.equal(breaker.snapshot().counts.failures, 1)
    assert.equal(breaker.retryAfter, 0)
    clock.advance(60_000)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().counts.failures, 1)
    assert.equal(breaker.snapshot().inFlight, 1)
  })

  it('S9: a value of a generator publishes at once that a lease has ended meanwhile', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 2 } })
    const transitions = transitionsOf(breaker)
    breaker.acquire()
    clock.advance(3_000)
    const stream = breaker.wrap(function* () {
      for (;;) yield clock.advance(2_000)
    })()
    stream.next()
    assert.deepEqual(transitions, ['half-open > open (probeTimeout)'])
  })

  it('S9: values of a generator that started in mode off renew nothing', () => {
    const { breaker, clock } = halfOpen({ mode: 'off' })
    const stream = breaker.wrap(function* () {
      for (;;) yield 0
    })()
    stream.next()
    breaker.mode = 'enforce'
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(4_000)
    assert.deepEqual(stream.next(), { done: false, value: 0 })
    clock.advance(1_000)
    assert.equal(breaker.state, 'open')
  })

  it('S9: values of a generator that started while closed renew nothing', () => {
    const clock = new ManualClock()
    const trip = failureRate({ threshold: 1, lastCalls: 5, minCalls: 1 })
    const breaker = new CircuitBreaker({ clock, trip, probeTimeout: 5_000, timeoutDuration: 1_000 })
    const stream = breaker.wrap(function* () {
      for (;;) yield 0
    })()
    stream.next()
    fail(breaker)
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(4_000)
    stream.next()
    clock.advance(1_000)
    assert.equal(breaker.state, 'open')
  })
})
