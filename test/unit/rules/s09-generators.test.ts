import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { deferred } from '../../helpers/deferred.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { nextTick } from '../../helpers/next-tick.ts'
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

  for (const kind of ['sync', 'async'] as const) {
    const make = (
      breaker: CircuitBreaker,
      step: () => unknown,
      steps = 3,
    ): Iterator<unknown> | AsyncIterator<unknown> =>
      kind === 'sync'
        ? breaker.wrap(function* () {
            for (let i = 0; i < steps; i++) yield step()
          })()
        : breaker.wrap(async function* () {
            for (let i = 0; i < steps; i++) yield await step()
          })()

    it(`S9: a consumer that takes longer than the lease gives the place back, as ignored: ${kind}`, async () => {
      const { breaker, clock } = halfOpen()
      const transitions = transitionsOf(breaker)
      const stream = make(breaker, () => 0)
      await stream.next()
      clock.advance(5_000)
      assert.equal(breaker.state, 'half-open')
      assert.equal(breaker.retryAfter, 0)
      const { ignored, late, inFlight, counts, attempt } = breaker.snapshot()
      assert.deepEqual({ ignored, late, inFlight, attempt }, { ignored: 1, late: 0, inFlight: 1, attempt: 0 })
      assert.equal(counts.calls, 0)
      const other = breaker.acquire()
      assert.equal(breaker.tryAcquire(), undefined)
      for (let i = 0; i < 3; i++) await stream.next()
      assert.equal(breaker.snapshot().late, 1, 'its end comes late')
      assert.equal(breaker.snapshot().inFlight, 1)
      assert.deepEqual(transitions, [])
      assert.equal(other.success(), true)
      assert.equal(breaker.state, 'closed')
    })

    it(`S9: a consumer that never comes back cannot wedge the circuit: ${kind}`, async () => {
      const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 2 } })
      for (let i = 0; i < 5; i++) {
        const streams = [make(breaker, () => 0), make(breaker, () => 0)]
        for (const stream of streams) await stream.next()
        assert.equal(breaker.tryAcquire(), undefined)
        clock.advance(5_000)
      }
      assert.equal(breaker.snapshot().ignored, 10)
      for (const probe of [breaker.acquire(), breaker.acquire()]) assert.equal(probe.success(), true)
      assert.equal(breaker.state, 'closed')
    })

    it(`S9: the lease restarts at both ends of a step: ${kind}`, async () => {
      const { breaker, clock } = halfOpen()
      const stream = make(breaker, () => clock.advance(4_999), 10)
      for (let step = await stream.next(); !step.done; step = await stream.next()) clock.advance(4_999)
      assert.equal(breaker.state, 'closed')
      const { ignored, late } = breaker.snapshot()
      assert.deepEqual({ ignored, late }, { ignored: 0, late: 0 })
    })

    it(`S9: a dependency that takes longer than the lease for a value has failed at the deadline: ${kind}`, async () => {
      const { breaker, clock } = halfOpen()
      const transitions = transitionsOf(breaker)
      let took = 0
      const stream = make(breaker, () => clock.advance(took))
      await stream.next()
      clock.advance(4_000)
      took = 5_400
      await stream.next()
      assert.deepEqual(transitions, ['half-open > open (probeTimeout)'])
      assert.equal(breaker.retryAfter, 600, 'the open time runs from the deadline')
      took = 0
      await stream.next()
      await stream.next()
      const { late, ignored, inFlight } = breaker.snapshot()
      assert.deepEqual({ late, ignored, inFlight }, { late: 1, ignored: 0, inFlight: 0 })
    })
  }

  it('S9: a failure while the next value is awaited is noticed by whoever looks', async () => {
    const { breaker, clock } = halfOpen()
    const value = deferred()
    const stream = breaker.wrap(async function* () {
      yield 1
      yield await value.promise
    })()
    await stream.next()
    clock.advance(4_999)
    const step = stream.next()
    await nextTick()
    clock.advance(4_999)
    assert.equal(breaker.state, 'half-open')
    clock.advance(1)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
    value.resolve('at last')
    assert.deepEqual(await step, { done: false, value: 'at last' })
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
    clock.advance(3_500)
    assert.equal(breaker.retryAfter, 500, 'until the lease of the other one ends')
    clock.advance(500)
    const { counts, ignored } = breaker.snapshot()
    assert.deepEqual([counts.failures, ignored], [1, 0])
    assert.equal(breaker.state, 'half-open')
    clock.advance(1_000)
    assert.equal(breaker.snapshot().ignored, 1)
    assert.equal(breaker.retryAfter, 0)
    assert.equal(breaker.state, 'half-open')
  })

  it('S9: a lease that has ended is not renewed', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 1 } })
    const stream = breaker.wrap(function* () {
      for (;;) yield 0
    })()
    stream.next()
    clock.advance(5_000)
    stream.next()
    assert.equal(breaker.snapshot().ignored, 1)
    const others = [breaker.acquire(), breaker.acquire()]
    assert.equal(breaker.tryAcquire(), undefined)
    clock.advance(4_999)
    stream.next()
    for (const other of others) assert.equal(other.ignore(), true)
    clock.advance(60_000)
    assert.equal(breaker.state, 'half-open')
    const { counts, ignored, inFlight } = breaker.snapshot()
    assert.deepEqual([counts.calls, ignored, inFlight], [0, 3, 1])
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
