import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, isCircuitBreakerError, type Permit } from '../../../src/index.ts'
import { ManualClock, ScriptedDependency } from '../../../src/testing/index.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { stateOf } from '../../helpers/next-tick.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'
import { rejectionOf } from '../../helpers/rejection.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

/** Takes all permits that are free now. */
function fill(breaker: CircuitBreaker): Permit[] {
  const permits: Permit[] = []
  for (let permit = breaker.tryAcquire(); permit; permit = breaker.tryAcquire()) permits.push(permit)
  return permits
}

describe('S10: half-open cannot flood', () => {
  for (const [calls, successes, concurrent] of [
    [1, 1, 1],
    [5, 1, 5],
    [5, 5, 2],
    [10, 3, 1],
    [9, 1, 2],
  ] as const) {
    const policy = { calls, successes, concurrent }
    it(`S10: of 1,000 calls at once no more than ${Math.min(calls, concurrent)} run, with ${JSON.stringify(policy)}`, async () => {
      const { breaker } = halfOpen({ halfOpen: policy })
      const dependency = new ScriptedDependency(['hang'])
      const results = Array.from({ length: 1_000 }, () => breaker.call(dependency.call))
      const outcomes = Promise.allSettled(results)
      assert.equal(dependency.calls.length, Math.min(calls, concurrent))
      for (const call of dependency.hanging) call.resolve('back')
      const rejected = (await outcomes).filter(({ status }) => status === 'rejected')
      assert.equal(rejected.length, 1_000 - Math.min(calls, concurrent))
      assert.equal(breaker.snapshot().rejected, rejected.length)
    })

    it(`S10: one period runs no more than ${calls} probes in all, with ${JSON.stringify(policy)}`, () => {
      const { breaker } = halfOpen({ halfOpen: policy })
      let probes = 0
      while (breaker.state === 'half-open') {
        const batch = fill(breaker)
        assert.ok(batch.length <= concurrent)
        assert.ok(batch.length > 0, 'stuck')
        probes += batch.length
        // Delays the verdict as long as possible: failures first, until one more would decide.
        for (const permit of batch) {
          const { failures } = breaker.snapshot().counts
          if (failures < calls - successes) permit.failure()
          else permit.success()
        }
      }
      assert.equal(probes, calls)
      assert.equal(breaker.state, 'closed')
    })
  }

  it('S10: decided and running probes together are limited by calls', () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 4, successes: 3 } })
    const running = [breaker.acquire(), breaker.acquire()]
    breaker.acquire().success()
    breaker.acquire().failure()
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.tryAcquire(), undefined)
    for (const permit of running) permit.success()
    assert.equal(breaker.state, 'closed')
  })

  it('S10: an ignored probe gives its permit back', () => {
    const { breaker } = halfOpen()
    for (let i = 0; i < 100; i++) {
      const permit = breaker.acquire()
      assert.equal(breaker.tryAcquire(), undefined)
      permit.ignore()
    }
    assert.equal(breaker.state, 'half-open')
  })

  it('S10: with concurrent below calls a permit is free when a probe has been decided, not before', () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 3, concurrent: 2 } })
    const [first, second] = fill(breaker)
    assert.equal(breaker.tryAcquire(), undefined)
    first!.success()
    const third = breaker.acquire()
    assert.equal(breaker.tryAcquire(), undefined)
    second!.success()
    assert.equal(breaker.tryAcquire(), undefined, 'three of three were decided or run')
    third.success()
    assert.equal(breaker.state, 'closed')
  })

  it('S10: calls of the closed period that still run take no permit of the half-open one', () => {
    const breaker = new CircuitBreaker({ clock: new ManualClock() })
    const old = Array.from({ length: 10 }, () => breaker.acquire())
    breaker.halfOpen()
    const probe = breaker.acquire()
    for (const permit of old) permit.success()
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(probe.success(), true)
  })

  it('S10: calls that arrive at the moment the open time ends do not all pass', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, timeoutDuration: 1_000 })
    breaker.open()
    clock.advance(1_000)
    assert.equal(fill(breaker).length, 1)
  })

  it('S10: a listener that calls at the transition gets no extra permit', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, timeoutDuration: 1_000 })
    const inner: (Permit | undefined)[] = []
    breaker.addListener({ stateChange: () => inner.push(breaker.tryAcquire()) })
    breaker.open()
    clock.advance(1_000)
    assert.ok(breaker.tryAcquire())
    assert.deepEqual(inner, [undefined, undefined])
  })
})

describe('S10: the others are rejected at once', () => {
  for (const way of WAYS.filter(({ options }) => options.mode !== 'observe')) {
    it(`S10: never queued, with the reason half-open, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { clock: new ManualClock() })
      breaker.halfOpen()
      const probe = breaker.acquire()
      let ran = 0
      const outcome = await stateOf(way.call(breaker, () => ran++))
      assert.ok(typeof outcome === 'object' && 'error' in outcome, 'not rejected at once')
      assert.ok(isCircuitBreakerError(outcome.error))
      assert.equal(outcome.error.reason, 'half-open')
      probe.success()
      assert.equal(ran, 0)
    })
  }

  it('S10: by acquire, tryAcquire, callSync and generators as well', () => {
    const { breaker } = halfOpen()
    breaker.acquire()
    assert.equal(rejectionOf(breaker).reason, 'half-open')
    assert.equal(breaker.tryAcquire(), undefined)
    const seen = { name: 'CircuitBreakerError', reason: 'half-open' }
    assert.throws(() => breaker.callSync(() => 1), seen)
    const generator = breaker.wrap(function* () {
      yield 1
    })
    assert.throws(() => generator().next(), seen)
    assert.equal(breaker.snapshot().rejected, 4)
  })
})

describe('S10: retryAfter while half-open', () => {
  it('S10: is 0 while a permit is free', () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 2 } })
    assert.equal(breaker.retryAfter, 0)
    breaker.acquire()
    assert.equal(breaker.retryAfter, 0)
    assert.ok(breaker.reopenTime)
  })

  it('S10: is otherwise the time to the end of the oldest lease, at most 1,000', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2 } })
    breaker.acquire()
    clock.advance(700)
    breaker.acquire()
    assert.equal(breaker.retryAfter, 1_000)
    assert.equal(rejectionOf(breaker).retryAfter, 1_000)
    assert.equal(breaker.snapshot().retryAfter, 1_000)
    clock.advance(3_300)
    assert.equal(rejectionOf(breaker).retryAfter, 1_000)
    clock.advance(300)
    assert.equal(breaker.retryAfter, 700)
    assert.equal(rejectionOf(breaker).retryAfter, 700)
    assert.equal(breaker.snapshot().retryAfter, 700)
  })

  it('S10: is rounded up', () => {
    const { breaker, clock } = halfOpen({ probeTimeout: 900 })
    breaker.acquire()
    clock.advance(0.5)
    assert.equal(breaker.retryAfter, 900)
    assert.equal(rejectionOf(breaker).retryAfter, 900)
  })

  it('S10: has a reopenTime to match', () => {
    const time = fakeTime()
    try {
      const { breaker } = halfOpen({ probeTimeout: 30_000 })
      breaker.acquire()
      const soon = new Date(Date.now() + 1_000)
      assert.deepEqual(breaker.reopenTime, soon)
      assert.deepEqual(rejectionOf(breaker).reopenTime, soon)
    } finally {
      time.uninstall()
    }
  })

  for (const probeTimeout of [1_001, 30_000, 3_600_000, Infinity]) {
    it(`S10: is 1,000 however long a probe may take: ${probeTimeout}`, async () => {
      const { breaker, clock } = halfOpen({ probeTimeout })
      breaker.acquire()
      for (const way of WAYS.filter(({ options }) => options.mode !== 'observe')) {
        const error: unknown = await way.call(breaker, () => 1).catch((it: unknown) => it)
        assert.ok(isCircuitBreakerError(error))
        assert.equal(error.retryAfter, 1_000)
      }
      assert.throws(() => breaker.callSync(() => 1), { retryAfter: 1_000 })
      clock.advance(probeTimeout < Infinity ? probeTimeout - 1 : 1e12)
      assert.equal(breaker.retryAfter, probeTimeout < Infinity ? 1 : 1_000)
    })
  }

  it('S10: is that of the next-oldest once the oldest probe has answered', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 3, successes: 3, concurrent: 2 } })
    const oldest = breaker.acquire()
    clock.advance(100)
    breaker.acquire()
    oldest.success()
    clock.advance(4_500)
    breaker.acquire()
    assert.equal(breaker.retryAfter, 500)
  })

  it('S10: is a hint: a permit may be free sooner', () => {
    const { breaker } = halfOpen()
    const probe = breaker.acquire()
    assert.equal(breaker.retryAfter, 1_000)
    probe.ignore()
    assert.equal(breaker.retryAfter, 0)
  })
})
