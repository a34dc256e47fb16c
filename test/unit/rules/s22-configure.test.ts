import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { anyOf, CircuitBreaker, failureCount, failureRate, slowCallRate } from '../../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

function make(options = {}): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, breaker: new CircuitBreaker({ name: 'b', clock, ...options }) }
}

describe('S22: configure keeps the statistics where the shape of the rule allows it', () => {
  it('S22: the run of failures is kept, whatever the new rule', () => {
    const { breaker } = make({ failMax: 5 })
    fail(breaker, 3)
    breaker.configure({ trip: failureRate({ threshold: 0.5, lastCalls: 30 }) })
    assert.equal(breaker.failCounter, 3)
    breaker.configure({ failMax: 4 })
    assert.equal(breaker.failCounter, 3)
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S22: a window of the same calls keeps its counts under a new threshold, minCalls and kind', () => {
    const { breaker } = make({ trip: failureRate({ threshold: 0.9, minCalls: 4, lastCalls: 10 }) })
    succeed(breaker, 2)
    fail(breaker, 2)
    breaker.configure({ trip: failureRate({ threshold: 0.5, minCalls: 5, lastCalls: 10 }) })
    assert.equal(breaker.snapshot().counts.calls, 4)
    assert.equal(breaker.snapshot().failureRate, null)
    breaker.configure({ trip: failureCount({ count: 3, lastCalls: 10 }) })
    assert.equal(breaker.snapshot().counts.failures, 2)
    fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'failureCount')
  })

  it('S22: a time window of the same length and buckets keeps its counts, and goes on forgetting', () => {
    const { breaker, clock } = make({ trip: failureRate({ threshold: 0.9, window: 1_000, buckets: 4 }) })
    fail(breaker, 2)
    clock.advance(500)
    fail(breaker)
    breaker.configure({ trip: failureCount({ count: 9, window: 1_000, buckets: 4 }) })
    assert.equal(breaker.snapshot().counts.calls, 3)
    clock.advance(500)
    assert.equal(breaker.snapshot().counts.calls, 1)
  })

  it('S22: a window of another span starts empty', () => {
    const before = failureRate({ threshold: 0.9, window: 1_000, buckets: 4 })
    for (const trip of [
      failureRate({ threshold: 0.9, window: 2_000, buckets: 4 }),
      failureRate({ threshold: 0.9, window: 1_000, buckets: 5 }),
      failureRate({ threshold: 0.9, lastCalls: 1_000 }),
    ]) {
      const { breaker } = make({ trip: before })
      fail(breaker, 3)
      breaker.configure({ trip })
      assert.equal(breaker.snapshot().counts.calls, 0)
    }
  })

  it('S22: each of several windows keeps its own counts', () => {
    const short = failureRate({ threshold: 1, lastCalls: 2 })
    const long = failureRate({ threshold: 1, minCalls: 50, lastCalls: 50 })
    const { breaker } = make({ trip: anyOf(short, long), mode: 'observe' })
    succeed(breaker, 5)
    breaker.configure({ trip: anyOf(long, short) })
    assert.equal(breaker.snapshot().counts.calls, 5)
    breaker.configure({ trip: short })
    assert.equal(breaker.snapshot().counts.calls, 2)
  })

  it('S22: a window that is used once is not shared by two rules with the same span', () => {
    const rule = failureCount({ count: 9, lastCalls: 10 })
    const { breaker } = make({ trip: rule })
    fail(breaker, 2)
    breaker.configure({ trip: anyOf(rule, failureRate({ threshold: 1, lastCalls: 10 })) })
    fail(breaker)
    assert.equal(breaker.snapshot().counts.calls, 3)
  })

  it('S22: a new rule that is met already trips with the next failure, not by itself', () => {
    const { breaker } = make({ failMax: 9 })
    fail(breaker, 5)
    breaker.configure({ failMax: 2 })
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S22: calls in flight belong to the same period and are evaluated by the new rule', () => {
    const { breaker } = make({ failMax: 9 })
    const permit = breaker.acquire()
    breaker.configure({ failMax: 1 })
    assert.equal(permit.failure(new Error('down')), true)
    assert.equal(breaker.state, 'open')
  })

  it('S22: a classifier applies to calls that began before it was set', async () => {
    const { breaker } = make()
    const dependency = new ScriptedDependency<number>(['hang'])
    const call = breaker.call(dependency.call)
    breaker.configure({ classifyResult: () => 'failure' })
    dependency.hanging[0]?.resolve(500)
    assert.equal(await call, 500)
    assert.equal(breaker.failCounter, 1)
  })

  it('S22: what a call measures is fixed at admission: an unknown duration is not slow', () => {
    const { breaker, clock } = make()
    const permit = breaker.acquire()
    breaker.configure({ trip: slowCallRate({ threshold: 0.1, minCalls: 1, slowerThan: 5, lastCalls: 10 }) })
    clock.advance(1_000)
    assert.equal(permit.success(), true)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().counts.slow, 0)
    const measured = breaker.acquire()
    clock.advance(6)
    measured.success()
    assert.equal(breaker.snapshot().tripReason, 'slowCallRate')
  })

  it('S22: calls that a removed rule found slow still count as slow', () => {
    const { breaker, clock } = make({ trip: slowCallRate({ threshold: 1, slowerThan: 5, lastCalls: 10 }) })
    const permits = [breaker.acquire(), breaker.acquire()] as const
    succeed(breaker)
    clock.advance(6)
    permits[0].success()
    permits[1].failure(new Error('down'))
    breaker.configure({ failMax: 5 })
    assert.deepEqual(breaker.snapshot().counts, { calls: 3, successes: 2, failures: 1, slow: 2 })
  })

  it('S22: a time window that is set while calls run counts them when they end', () => {
    const { breaker, clock } = make()
    const permit = breaker.acquire()
    breaker.configure({ trip: failureCount({ count: 2, window: 100, buckets: 1 }) })
    clock.advance(1_050)
    permit.failure(new Error('down'))
    clock.set(1_099)
    assert.equal(breaker.snapshot().counts.failures, 1)
    clock.set(1_100)
    assert.equal(breaker.snapshot().counts.failures, 0)
  })

  it('S22: a slow-call rule that is set while half-open applies to probes that end from then on', () => {
    const { breaker, clock } = make()
    breaker.halfOpen()
    const probe = breaker.acquire()
    breaker.configure({ trip: slowCallRate({ threshold: 1, slowerThan: 5, lastCalls: 10 }) })
    clock.advance(6)
    probe.success()
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
  })
})

describe('S22: configure and the running period', () => {
  it('S22: the running deadline stays, the next opening has the new length', () => {
    const { breaker, clock } = make({ failMax: 1, timeoutDuration: 1_000 })
    fail(breaker)
    breaker.configure({ timeoutDuration: 50 })
    assert.equal(breaker.retryAfter, 1_000)
    clock.advance(1_000)
    fail(breaker)
    assert.equal(breaker.retryAfter, 50)
  })

  it('S22: a lease that ended before has opened the circuit for the old length', () => {
    const { breaker, clock } = make({ probeTimeout: 5_000, timeoutDuration: 1_000 })
    breaker.halfOpen()
    breaker.acquire()
    clock.advance(5_000)
    breaker.configure({ timeoutDuration: 9_000 })
    assert.equal(breaker.retryAfter, 1_000)
  })

  it('S22: errorOnTrip that is set while a plain call runs leaves that call its own error', async () => {
    const { breaker } = make({ failMax: 1 })
    const dependency = new ScriptedDependency<number>(['hang'])
    const call = breaker.call(dependency.call)
    breaker.configure({ errorOnTrip: true })
    const error = new Error('down')
    dependency.hanging[0]?.reject(error)
    await assert.rejects(call, (thrown) => thrown === error)
    assert.equal(breaker.state, 'open')
  })

  it('S22: halfOpen applies from the next half-open period', () => {
    const { breaker } = make()
    breaker.halfOpen()
    breaker.configure({ halfOpen: { calls: 3 } })
    breaker.acquire()
    assert.equal(breaker.tryAcquire(), undefined)
    breaker.open()
    breaker.halfOpen()
    succeed(breaker, 2)
    assert.equal(breaker.state, 'half-open')
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
  })

  it('S22: probeTimeout applies from the next half-open period', () => {
    const { breaker, clock } = make({ probeTimeout: 100, halfOpen: { calls: 2, successes: 1 } })
    breaker.halfOpen()
    breaker.configure({ probeTimeout: 500 })
    breaker.acquire()
    breaker.acquire()
    assert.equal(breaker.retryAfter, 100)
    clock.advance(100)
    assert.equal(breaker.state, 'open')
    breaker.halfOpen()
    breaker.acquire()
    breaker.acquire()
    assert.equal(breaker.retryAfter, 500)
  })

  it('S22: the lease follows a new timeoutDuration or callTimeout, unless it was given', () => {
    const { breaker } = make()
    assert.equal(breaker.options.probeTimeout, 60_000)
    breaker.configure({ timeoutDuration: 90_000 })
    assert.equal(breaker.options.probeTimeout, 90_000)
    breaker.configure({ callTimeout: 120_000 })
    assert.equal(breaker.options.probeTimeout, 120_000)
    breaker.configure({ probeTimeout: 5 })
    breaker.configure({ timeoutDuration: 200_000 })
    assert.equal(breaker.options.probeTimeout, 5)
  })

  it('S22: a lease that was set in the constructor stays', () => {
    const { breaker } = make({ probeTimeout: 7 })
    breaker.configure({ timeoutDuration: 200_000 })
    assert.equal(breaker.options.probeTimeout, 7)
  })

  it('S22: failMax replaces trip', () => {
    const { breaker } = make({ trip: failureCount({ count: 3, lastCalls: 10 }) })
    assert.equal(breaker.options.failMax, undefined)
    breaker.configure({ failMax: 2 })
    assert.equal(breaker.options.failMax, 2)
    fail(breaker, 2)
    assert.equal(breaker.snapshot().tripReason, 'consecutiveFailures')
  })

  it('S22: trip replaces failMax, and stays when other options change', () => {
    const trip = failureCount({ count: 3, lastCalls: 10 })
    const { breaker } = make({ failMax: 2 })
    breaker.configure({ trip })
    breaker.configure({ callTimeout: 5_000 })
    assert.equal(breaker.options.failMax, undefined)
    assert.equal(breaker.options.trip, trip)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.snapshot().tripReason, 'failureCount')
  })

  it('S22: a rule that is set while open applies to the closed period that follows', () => {
    const { breaker } = make({ failMax: 1 })
    fail(breaker)
    breaker.configure({ failMax: 2 })
    assert.equal(breaker.state, 'open')
    breaker.close()
    fail(breaker)
    assert.equal(breaker.state, 'closed')
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S22: undefined counts as left out', () => {
    const { breaker } = make({ failMax: 2, callTimeout: 5 })
    breaker.configure({ failMax: undefined, trip: undefined, callTimeout: undefined, halfOpen: undefined })
    assert.equal(breaker.options.failMax, 2)
    assert.equal(breaker.options.callTimeout, 5)
  })

  it('S22: identical values change nothing', () => {
    const rule = failureRate({ threshold: 0.5, minCalls: 9, lastCalls: 20 })
    for (const options of [{ failMax: 4 }, { trip: rule }]) {
      const { breaker } = make({ ...options, halfOpen: { calls: 2 }, attemptDecay: 5 })
      fail(breaker, 2)
      const permit = breaker.acquire()
      const transitions = transitionsOf(breaker)
      const { options: before } = breaker
      const { takenAt: _, ...snapshot } = breaker.snapshot()
      breaker.configure({ ...options, halfOpen: { calls: 2 }, attemptDecay: 5, mode: 'enforce' })
      assert.deepEqual(breaker.options, before)
      const { takenAt: __, ...after } = breaker.snapshot()
      assert.deepEqual(after, snapshot)
      assert.deepEqual(transitions, [])
      assert.equal(permit.failure(new Error('down')), true)
    }
  })

  it('S22: an empty patch changes nothing, also while open', () => {
    const { breaker, clock } = make({ failMax: 1 })
    fail(breaker)
    clock.advance(10)
    const { takenAt: _, ...before } = breaker.snapshot()
    breaker.configure({})
    const { takenAt: __, ...after } = breaker.snapshot()
    assert.deepEqual(after, before)
  })

  it('S22: every other option applies to the next call', async () => {
    const { breaker } = make()
    const reported: unknown[] = []
    const excluded = new RangeError('excluded')
    breaker.configure({
      exclude: [RangeError],
      classifyError: (error) => (error instanceof SyntaxError ? 'success' : undefined),
      onListenerError: (error) => reported.push(error),
      attemptDecay: 1_000,
      callTimeout: 5_000,
    })
    assert.equal(breaker.options.attemptDecay, 1_000)
    assert.equal(breaker.options.callTimeout, 5_000)
    await assert.rejects(
      breaker.call(() => Promise.reject(excluded)),
      excluded,
    )
    assert.equal(breaker.snapshot().ignored, 1)
    await assert.rejects(breaker.call(() => Promise.reject(new SyntaxError())))
    assert.equal(breaker.snapshot().counts.successes, 1)
    breaker.addListener({
      beforeCall: () => {
        throw excluded
      },
    })
    await breaker.call(() => 1)
    assert.deepEqual(reported, [excluded])

    breaker.configure({ errorOnTrip: true, failMax: 1 })
    const error = new Error('mine')
    await assert.rejects(
      breaker.call(() => Promise.reject(error)),
      { code: 'CIRCUIT_OPEN', cause: error },
    )
  })
})
