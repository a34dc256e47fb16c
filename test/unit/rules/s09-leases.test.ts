import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreaker, type OpenTimeContext } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { deferred } from '../../helpers/deferred.ts'
import { eventsOf } from '../../helpers/events.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { transitionsOf } from '../../helpers/transitions.ts'
import { breakerFor, WAYS } from '../../helpers/ways.ts'

/** Every read of the breaker, each of which may notice that a lease has ended. */
const reads: Record<string, (breaker: CircuitBreaker) => unknown> = {
  state: (breaker) => breaker.state,
  retryAfter: (breaker) => breaker.retryAfter,
  reopenTime: (breaker) => breaker.reopenTime,
  failCounter: (breaker) => breaker.failCounter,
  'snapshot()': (breaker) => breaker.snapshot(),
}

describe('S9: the lease of a probe', () => {
  it('S9: past its end the probe has failed, and the circuit opens with the reason probeTimeout', () => {
    const { breaker, clock } = halfOpen()
    const transitions = transitionsOf(breaker)
    breaker.acquire()
    clock.advance(4_999)
    assert.equal(breaker.state, 'half-open')
    clock.advance(1)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
    assert.equal(breaker.tryAcquire(), undefined)
    assert.deepEqual(transitions, ['half-open > open (probeTimeout)'])
  })

  it('S9: the circuit cannot stick, though no probe ever answers', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 3, successes: 2 } })
    for (let period = 0; period < 10; period++) {
      while (breaker.tryAcquire());
      clock.advance(5_000)
      assert.equal(breaker.state, 'open')
      clock.advance(1_000)
      assert.equal(breaker.state, 'half-open')
    }
    const probes = [breaker.acquire(), breaker.acquire()]
    for (const probe of probes) assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  for (const end of ['success', 'failure', 'ignore'] as const) {
    it(`S9: the ${end} of a probe comes late when its lease has ended`, () => {
      const { breaker, clock } = halfOpen()
      const probe = breaker.acquire()
      const events = eventsOf(breaker)
      clock.advance(5_000)
      assert.equal(probe[end](), false)
      assert.deepEqual(events, ['half-open > open', 'late'])
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.retryAfter, 1_000)
      assert.equal(breaker.snapshot().late, 1)
      assert.equal(breaker.snapshot().inFlight, 0)
    })
  }

  for (const way of WAYS.filter(({ options }) => options.mode !== 'observe')) {
    it(`S9: a probe past its lease still gives its caller the result, by ${way.name}`, async () => {
      const clock = new ManualClock()
      const breaker = breakerFor(way, { clock, probeTimeout: 5_000, timeoutDuration: 1_000 })
      breaker.halfOpen()
      const slow = deferred()
      const call = way.call(breaker, () => slow.promise)
      clock.advance(5_500)
      slow.resolve('its own')
      assert.equal(await call, 'its own')
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.retryAfter, 500)
      assert.equal(breaker.snapshot().late, 1)
    })
  }

  it('S9: a lease starts with its probe, not with the period', () => {
    const { breaker, clock } = halfOpen()
    clock.advance(60_000)
    breaker.acquire()
    clock.advance(4_999)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 1)
  })

  it('S9: a probe that answers within its lease counts, however close', () => {
    const { breaker, clock } = halfOpen()
    const probe = breaker.acquire()
    clock.advance(4_999)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S9: a probe that is ignored no longer holds a lease', () => {
    const { breaker, clock } = halfOpen()
    breaker.acquire().ignore()
    clock.advance(60_000)
    assert.equal(breaker.state, 'half-open')
    assert.ok(breaker.tryAcquire())
  })

  it('S9: while closed there is no lease: a call may take forever', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({ clock, failMax: 1, probeTimeout: 10 })
    const permit = breaker.acquire()
    clock.advance(1e9)
    assert.equal(permit.failure(), true)
    assert.equal(breaker.state, 'open')
  })

  it('S9: Infinity turns it off: the probe keeps its permit until it is settled', () => {
    const { breaker, clock } = halfOpen({ probeTimeout: Infinity })
    const probe = breaker.acquire()
    clock.advance(1e12)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 1_000)
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })
})

describe('S9: a lease that is noticed late', () => {
  it('S9: the probe failed at its own deadline: the open time runs from there', () => {
    const { breaker, clock } = halfOpen()
    breaker.acquire()
    clock.advance(5_400)
    assert.equal(breaker.retryAfter, 600)
    assert.equal(breaker.state, 'open')
    clock.advance(600)
    assert.equal(breaker.state, 'half-open')
  })

  it('S9: if the open time has passed as well, the next call is a probe', () => {
    const { breaker, clock } = halfOpen()
    breaker.acquire()
    const transitions = transitionsOf(breaker)
    clock.advance(6_000)
    assert.equal(breaker.state, 'half-open')
    const probe = breaker.acquire()
    assert.deepEqual(transitions, ['half-open > open (probeTimeout)', 'open > half-open (timeoutElapsed)'])
    assert.equal(breaker.snapshot().attempt, 1)
    assert.equal(probe.success(), true)
  })

  it('S9: its event has the time of the deadline, by the wall clock', () => {
    const { breaker, clock } = halfOpen()
    breaker.acquire()
    const times: number[] = []
    breaker.addListener({ stateChange: ({ at }) => times.push(at) })
    clock.advance(5_400)
    const before = Date.now()
    breaker.tryAcquire()
    const after = Date.now()
    assert.equal(times.length, 1)
    assert.ok(times[0]! >= before - 400 && times[0]! <= after - 400 + 1, String(times[0]! - before))
    assert.equal(breaker.snapshot().since, times[0])
  })

  for (const [name, read] of Object.entries(reads)) {
    it(`S9: ${name} may notice it, and its result already reflects it`, () => {
      const { breaker, clock } = halfOpen()
      breaker.acquire()
      clock.advance(5_400)
      read(breaker)
      assert.equal(breaker.snapshot().state, 'open')
      assert.equal(breaker.snapshot().tripReason, 'probeTimeout')
      assert.equal(breaker.snapshot().retryAfter, 600)
    })

    it(`S9: noticed by ${name}, its events wait for the next operation that is not a read`, () => {
      const { breaker, clock } = halfOpen()
      breaker.acquire()
      const transitions = transitionsOf(breaker)
      clock.advance(5_400)
      for (let i = 0; i < 3; i++) read(breaker)
      assert.deepEqual(transitions, [])
      breaker.tryAcquire()
      assert.deepEqual(transitions, ['half-open > open (probeTimeout)'])
    })
  }

  const operations: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'a rejected call': (breaker) => breaker.call(() => 1).catch(() => {}),
    'a manual transition': (breaker) => breaker.close(),
    'a repeated opening': (breaker) => breaker.open(),
    configure: (breaker) => breaker.configure({}),
  }
  for (const [name, operate] of Object.entries(operations)) {
    it(`S9: ${name} publishes what a read has noticed, before its own events`, () => {
      const { breaker, clock } = halfOpen()
      breaker.acquire()
      const events = eventsOf(breaker)
      clock.advance(5_000)
      assert.equal(breaker.state, 'open')
      operate(breaker)
      assert.equal(events[0], 'half-open > open')
    })
  }

  it('S9: settling another call publishes it, too', () => {
    const { breaker, clock } = halfOpen()
    const probe = breaker.acquire()
    const events = eventsOf(breaker)
    clock.advance(5_000)
    assert.equal(breaker.state, 'open')
    probe.success()
    assert.deepEqual(events, ['half-open > open', 'late'])
  })

  it('S9: the open time is computed once, however often the end of the lease is noticed', () => {
    const asked: OpenTimeContext[] = []
    const timeoutDuration = (context: OpenTimeContext): number => asked.push(context) * 1_000
    const { breaker, clock } = halfOpen({ timeoutDuration })
    breaker.acquire()
    clock.advance(5_000)
    for (let i = 0; i < 3; i++) for (const read of Object.values(reads)) read(breaker)
    breaker.tryAcquire()
    assert.equal(asked.length, 1)
    assert.equal(asked[0]!.reason, 'probeTimeout')
    assert.equal(asked[0]!.error, undefined)
    assert.equal(breaker.retryAfter, 1_000)
  })

  it('S9: the open time is computed once, also if it reads the breaker while other leases have ended', () => {
    let asked = 0
    const { breaker, clock } = halfOpen({
      halfOpen: { calls: 3, successes: 3 },
      timeoutDuration: () => {
        asked++
        for (const read of Object.values(reads)) read(breaker)
        return 1_000
      },
    })
    const probes = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
    clock.advance(5_000)
    assert.equal(breaker.state, 'open')
    assert.equal(asked, 1)
    assert.equal(breaker.snapshot().attempt, 1)
    for (const probe of probes) assert.equal(probe.success(), false)
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.equal(breaker.snapshot().late, 3)
  })
})

describe('S9: several probes', () => {
  it('S9: each has a lease of its own, from its own beginning', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 4, successes: 2 } })
    breaker.acquire()
    clock.advance(1_000)
    breaker.acquire()
    clock.advance(1_000)
    const third = breaker.acquire()
    clock.advance(3_000)
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 0, failures: 1, slow: 0 })
    assert.equal(breaker.state, 'half-open')
    clock.advance(1_000)
    assert.equal(breaker.snapshot().counts.failures, 2)
    assert.equal(third.success(), true)
    assert.equal(breaker.state, 'half-open')
    breaker.acquire().success()
    assert.equal(breaker.state, 'closed')
  })

  it('S9: the deadline that decides is that of the probe that made success impossible', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 3, successes: 2 } })
    breaker.acquire()
    clock.advance(300)
    breaker.acquire()
    clock.advance(300)
    breaker.acquire()
    clock.advance(5_000)
    // The end of the second lease, at 5,300, left only one probe for the two successes that are needed.
    assert.equal(breaker.retryAfter, 700)
  })

  it('S9: a probe whose lease has ended counts as decided, not as running', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 1, concurrent: 1 } })
    breaker.acquire()
    assert.equal(breaker.tryAcquire(), undefined)
    clock.advance(5_000)
    assert.equal(breaker.retryAfter, 0)
    const probe = breaker.acquire()
    assert.equal(breaker.snapshot().inFlight, 2)
    assert.equal(probe.success(), true)
    assert.equal(breaker.state, 'closed')
  })

  it('S9: a probe whose lease has ended is late even within the same period', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 2, successes: 1 } })
    const slow = breaker.acquire()
    clock.advance(5_000)
    assert.equal(breaker.state, 'half-open')
    assert.equal(slow.success(), false)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().inFlight, 0)
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 0, failures: 1, slow: 0 })
  })

  it('S9: a period whose leases end does not count the same probe twice', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 5, successes: 2 } })
    const slow = [breaker.acquire(), breaker.acquire(), breaker.acquire()]
    clock.advance(5_000)
    for (const probe of slow) probe.failure()
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.snapshot().counts.failures, 3)
  })
})
