import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, failureRate, type CircuitBreakerOptions, type Permit } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'

/** A breaker whose half-open periods admit enough probes for one to come late. */
function make(options: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({
    clock,
    failMax: options.trip ? undefined : 2,
    timeoutDuration: 1_000,
    halfOpen: { calls: 3, successes: 1 },
    probeTimeout: 5_000,
    ...options,
  })
  return { breaker, clock }
}

/** Everything of a breaker that a late result must not change. */
function unaffected(breaker: CircuitBreaker): object {
  const { late: _late, inFlight: _inFlight, takenAt: _takenAt, ...rest } = breaker.snapshot()
  return { ...rest, retryAfter: breaker.retryAfter }
}

interface Transition {
  readonly name: string
  readonly from: 'closed' | 'half-open'
  make(breaker: CircuitBreaker, clock: ManualClock): void
}

const recover = (breaker: CircuitBreaker, clock: ManualClock): void => {
  clock.advance(1_000)
  succeed(breaker)
}

const TRANSITIONS: readonly Transition[] = [
  { name: 'a trip', from: 'closed', make: (breaker) => fail(breaker, 2) },
  { name: 'a manual opening', from: 'closed', make: (breaker) => breaker.open() },
  { name: 'a manual half-opening', from: 'closed', make: (breaker) => breaker.halfOpen() },
  { name: 'an isolation', from: 'closed', make: (breaker) => breaker.isolate() },
  { name: 'mode observe', from: 'closed', make: (breaker) => (breaker.mode = 'observe') },
  {
    name: 'mode off and back',
    from: 'closed',
    make: (breaker) => {
      breaker.mode = 'off'
      breaker.mode = 'enforce'
    },
  },
  {
    name: 'a trip and the half-open period after it',
    from: 'closed',
    make: (breaker, clock) => {
      fail(breaker, 2)
      clock.advance(1_000)
      breaker.acquire()
    },
  },
  {
    name: 'a trip and the recovery after it',
    from: 'closed',
    make: (breaker, clock) => {
      fail(breaker, 2)
      recover(breaker, clock)
    },
  },
  {
    name: 'an isolation and its end',
    from: 'closed',
    make: (breaker) => {
      breaker.isolate()
      breaker.close()
    },
  },
  { name: 'the success of another probe', from: 'half-open', make: (breaker) => succeed(breaker) },
  {
    name: 'the end of all leases',
    from: 'half-open',
    make: (breaker, clock) => {
      breaker.acquire()
      breaker.acquire()
      clock.advance(5_000)
      assert.equal(breaker.state, 'open')
    },
  },
  { name: 'a manual opening', from: 'half-open', make: (breaker) => breaker.open() },
  { name: 'a manual closing', from: 'half-open', make: (breaker) => breaker.close() },
  { name: 'an isolation', from: 'half-open', make: (breaker) => breaker.isolate() },
  { name: 'mode off', from: 'half-open', make: (breaker) => (breaker.mode = 'off') },
  {
    name: 'a re-opening and the half-open period after it',
    from: 'half-open',
    make: (breaker, clock) => {
      breaker.open()
      clock.advance(1_000)
      breaker.acquire()
    },
  },
]

const ENDS: Record<string, (permit: Permit) => boolean | void> = {
  success: (permit) => permit.success(),
  'a result': (permit) => permit.success('a value'),
  failure: (permit) => permit.failure(),
  'an error': (permit) => permit.failure(new Error('late')),
  ignored: (permit) => permit.ignore(),
  disposal: (permit) => permit[Symbol.dispose](),
}

describe('S1: generations', () => {
  for (const transition of TRANSITIONS) {
    it(`S1: after ${transition.name}, no outcome of a call from the ${transition.from} period before it changes anything`, () => {
      for (const [end, settle] of Object.entries(ENDS)) {
        const { breaker, clock } = make()
        if (transition.from === 'half-open') {
          breaker.open()
          clock.advance(1_000)
        }
        const permit = breaker.acquire()
        assert.equal(breaker.state, transition.from)
        transition.make(breaker, clock)

        const before = unaffected(breaker)
        const { late, inFlight } = breaker.snapshot()
        const events = eventsOf(breaker)
        assert.notEqual(settle(permit), true, end)
        assert.deepEqual(unaffected(breaker), before, end)
        assert.deepEqual(events, ['late'], end)
        assert.equal(breaker.snapshot().late, late + 1, end)
        assert.equal(breaker.snapshot().inFlight, inFlight - 1, end)
      }
    })
  }

  it('S1: settling late returns false', () => {
    for (const [end, settle] of Object.entries(ENDS)) {
      const { breaker } = make()
      const permit = breaker.acquire()
      breaker.open()
      assert.equal(settle(permit), end === 'disposal' ? undefined : false, end)
    }
  })

  it('S1: settling while the generation lasts returns true', () => {
    const { breaker } = make()
    assert.equal(breaker.acquire().success(), true)
    assert.equal(breaker.acquire().failure(), true)
    assert.equal(breaker.acquire().ignore(), true)
    assert.equal(breaker.snapshot().late, 0)
  })

  it('S1: failures from before the trip do not open the circuit again after its recovery', () => {
    const { breaker, clock } = make()
    const early = Array.from({ length: 50 }, () => breaker.acquire())
    fail(breaker, 2)
    recover(breaker, clock)
    for (const permit of early) permit.failure(new Error('old'))
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 0)
    assert.equal(breaker.snapshot().late, 50)
    assert.equal(breaker.snapshot().attempt, 0)
    assert.notEqual(breaker.snapshot().lastFailure?.message, 'old')
  })

  it('S1: a success from before the trip does not reset the run of failures of a later period', () => {
    const { breaker, clock } = make()
    const early = breaker.acquire()
    fail(breaker, 2)
    recover(breaker, clock)
    fail(breaker)
    early.success()
    assert.equal(breaker.failCounter, 1)
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('S1: a success from before the trip does not close the half-open circuit, nor take or free a permit', () => {
    const { breaker, clock } = make({ halfOpen: { calls: 1 } })
    const early = breaker.acquire()
    fail(breaker, 2)
    clock.advance(1_000)
    const probe = breaker.acquire()
    early.success()
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S1: a failure from before the trip does not re-open the half-open circuit', () => {
    const { breaker, clock } = make({ halfOpen: { calls: 1 } })
    const early = breaker.acquire()
    fail(breaker, 2)
    clock.advance(1_000)
    const probe = breaker.acquire()
    early.failure()
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().attempt, 1)
    assert.equal(probe.success(), true)
  })

  it('S1: a probe of one half-open period does not count in the next one', () => {
    const { breaker, clock } = make({ halfOpen: { calls: 2, successes: 2 } })
    breaker.open()
    clock.advance(1_000)
    const slow = breaker.acquire()
    fail(breaker)
    assert.equal(breaker.state, 'open')
    clock.advance(1_000)
    breaker.acquire()
    assert.equal(slow.success(), false)
    assert.equal(breaker.snapshot().counts.successes, 0)
    assert.equal(breaker.state, 'half-open')
  })

  it('S1: repeating a state manually starts no generation', () => {
    const { breaker, clock } = make()
    const closed = breaker.acquire()
    assert.equal(breaker.close(), false)
    assert.equal(closed.failure(), true)
    assert.equal(breaker.failCounter, 1)

    breaker.open()
    clock.advance(1_000)
    const probe = breaker.acquire()
    assert.equal(breaker.halfOpen(), false)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S1: configure starts no generation, whatever it changes but the mode', () => {
    const { breaker } = make()
    const permits = Array.from({ length: 4 }, () => breaker.acquire())
    breaker.configure({ failMax: 4 })
    assert.equal(permits[0]!.failure(), true)
    breaker.configure({ timeoutDuration: 5, probeTimeout: 7, halfOpen: { calls: 2 }, exclude: [RangeError] })
    assert.equal(permits[1]!.failure(), true)
    breaker.configure({ trip: failureRate({ threshold: 1, lastCalls: 10 }) })
    assert.equal(permits[2]!.failure(), true)
    breaker.configure({ mode: 'enforce' })
    assert.equal(permits[3]!.failure(), true)
    assert.equal(breaker.snapshot().late, 0)
    assert.equal(breaker.failCounter, 4)
  })

  it('S1: a late result stays out of a window', () => {
    const { breaker } = make({ trip: failureRate({ threshold: 0.5, lastCalls: 4, minCalls: 2 }) })
    const early = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
    breaker.isolate()
    breaker.close()
    for (const permit of early) permit.failure()
    assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
    assert.equal(breaker.state, 'closed')
  })

  for (const way of WAYS.filter(({ options }) => options.mode !== 'observe')) {
    it(`S1: the caller of a late call gets its own value or error, by ${way.name}`, async () => {
      const breaker = breakerFor(way, { failMax: 1 })
      const value = { its: 'own' }
      const error = new Error('its own')
      const good = deferred()
      const bad = deferred()
      const first = way.call(breaker, () => good.promise)
      const second = way.call(breaker, () => bad.promise)
      breaker.isolate()
      breaker.close()
      good.resolve(value)
      bad.reject(error)
      assert.equal(await first, value)
      await assert.rejects(second, (thrown) => thrown === error)
      assert.equal(breaker.state, 'closed')
      assert.equal(breaker.failCounter, 0)
      assert.equal(breaker.snapshot().late, 2)
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.deepEqual(breaker.snapshot().counts, { calls: 0, successes: 0, failures: 0, slow: 0 })
    })
  }

  it('S1: the caller of a late synchronous call gets its own value or error', () => {
    const { breaker } = make()
    const value = { its: 'own' }
    const error = new Error('its own')
    const got = breaker.callSync(() => {
      breaker.open()
      return value
    })
    assert.equal(got, value)
    assert.equal(breaker.state, 'open')
    breaker.close()
    const bad = (): void => {
      breaker.open()
      throw error
    }
    assert.throws(
      () => breaker.callSync(bad),
      (thrown) => thrown === error,
    )
    assert.equal(breaker.snapshot().late, 2)
  })

  it('S1: a call that was admitted in mode off does not count later', () => {
    for (const settle of Object.values(ENDS)) {
      const { breaker } = make({ mode: 'off', failMax: 1 })
      const permit = breaker.acquire()
      breaker.mode = 'enforce'
      const before = unaffected(breaker)
      settle(permit)
      assert.deepEqual(unaffected(breaker), before)
      assert.equal(breaker.snapshot().inFlight, 0)
    }
  })

  it('S1: a call that manually opens the circuit itself is late', async () => {
    const { breaker } = make()
    const value = await breaker.call(() => {
      breaker.isolate()
      return 'done'
    })
    assert.equal(value, 'done')
    assert.equal(breaker.snapshot().late, 1)
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.equal(breaker.state, 'isolated')
  })

  it('S1: an abort, a timeout and an excluded error come late like any result', async () => {
    const { breaker } = make({ exclude: [RangeError] })
    const caller = new AbortController()
    const aborted = breaker.run(() => new Promise(() => {}), { signal: caller.signal })
    const excluded = deferred()
    const call = breaker.call(() => excluded.promise)
    breaker.isolate()
    const events = eventsOf(breaker)
    caller.abort(new Error('gone'))
    excluded.reject(new RangeError('excluded'))
    await assert.rejects(aborted, /gone/)
    await assert.rejects(call, /excluded/)
    assert.deepEqual(events, ['late', 'late'])
    assert.equal(breaker.snapshot().ignored, 0)
    assert.equal(breaker.snapshot().late, 2)
  })
})
