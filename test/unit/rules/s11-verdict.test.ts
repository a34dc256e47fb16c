import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  consecutiveFailures,
  failureRate,
  slowCallRate,
  type CircuitBreaker,
} from '../../../src/index.ts'
import type { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { halfOpen } from '../../helpers/half-open.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

/** Plays a sequence of probes (`s`, `f`, `i`). Returns the state in the end, and after how many of them. */
function verdict(
  policy: { calls?: number; successes?: number },
  probes: string,
): [state: string, after: number] {
  const { breaker } = halfOpen({ halfOpen: policy })
  let decided = 0
  for (const probe of probes) {
    const permit = breaker.acquire()
    decided++
    if (probe === 's') permit.success()
    else if (probe === 'f') permit.failure()
    else permit.ignore()
    if (breaker.state !== 'half-open') break
  }
  return [breaker.state, decided]
}

function probe(breaker: CircuitBreaker, clock: ManualClock, duration: number): void {
  const permit = breaker.acquire()
  clock.advance(duration)
  permit.success()
}

describe('S11: the verdict is early', () => {
  const table: [
    policy: { calls?: number; successes?: number },
    probes: string,
    state: string,
    after: number,
  ][] = [
    [{}, 's', 'closed', 1],
    [{}, 'f', 'open', 1],
    [{ calls: 5, successes: 1 }, 's', 'closed', 1],
    [{ calls: 5, successes: 1 }, 'ffff', 'half-open', 4],
    [{ calls: 5, successes: 1 }, 'ffffs', 'closed', 5],
    [{ calls: 5, successes: 1 }, 'fffff', 'open', 5],
    [{ calls: 5, successes: 3 }, 'sss', 'closed', 3],
    [{ calls: 5, successes: 3 }, 'ffsss', 'closed', 5],
    [{ calls: 5, successes: 3 }, 'fsfss', 'closed', 5],
    [{ calls: 5, successes: 3 }, 'fff', 'open', 3],
    [{ calls: 5, successes: 3 }, 'sfsff', 'open', 5],
    [{ calls: 5, successes: 5 }, 'ssssf', 'open', 5],
    [{ calls: 5, successes: 5 }, 'f', 'open', 1],
    [{ successes: 3 }, 'ss', 'half-open', 2],
    [{ successes: 3 }, 'sss', 'closed', 3],
    [{ successes: 3 }, 'sf', 'open', 2],
    [{ calls: 3 }, 'sss', 'closed', 3],
    [{ calls: 3 }, 'f', 'open', 1],
    [{ calls: 2, successes: 1 }, 'iiiiifiiiis', 'closed', 11],
    [{ calls: 2, successes: 2 }, 'siiiiiif', 'open', 8],
  ]
  for (const [policy, probes, state, after] of table) {
    it(`S11: with ${JSON.stringify(policy)} the probes ${probes} lead to ${state} after ${after}`, () => {
      assert.deepEqual(verdict(policy, probes), [state, after])
    })
  }

  it('S11: it closes though other probes still run, and those are late', () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 1 } })
    const others = [breaker.acquire(), breaker.acquire()]
    const transitions = transitionsOf(breaker)
    succeed(breaker)
    assert.deepEqual(transitions, ['half-open > closed (probeSucceeded)'])
    for (const permit of others) assert.equal(permit.failure(), false)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 0)
  })

  it('S11: it re-opens though other probes still run, and those are late', () => {
    const { breaker } = halfOpen({ halfOpen: { calls: 3, successes: 3 } })
    const others = [breaker.acquire(), breaker.acquire()]
    const transitions = transitionsOf(breaker)
    fail(breaker)
    assert.deepEqual(transitions, ['half-open > open (probeFailed)'])
    for (const permit of others) assert.equal(permit.success(), false)
    assert.equal(breaker.state, 'open')
  })

  it('S11: the trip rule is not evaluated while half-open', () => {
    const trip = anyOf(consecutiveFailures(1), failureRate({ threshold: 0.01, minCalls: 1, lastCalls: 10 }))
    const { breaker } = halfOpen({ trip, halfOpen: { calls: 5, successes: 1 } })
    fail(breaker, 4)
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.failCounter, 4)
  })

  it('S11: each half-open period starts from zero', () => {
    const { breaker, clock } = halfOpen({ halfOpen: { calls: 4, successes: 2 } })
    succeed(breaker)
    fail(breaker, 3)
    assert.equal(breaker.state, 'open')
    clock.advance(1_000)
    succeed(breaker)
    assert.equal(breaker.state, 'half-open')
    succeed(breaker)
    assert.equal(breaker.state, 'closed')
  })
})

describe('S11: a slow probe', () => {
  const slow = slowCallRate({ threshold: 1, minCalls: 5, slowerThan: 100, lastCalls: 5 })

  it('S11: is a failed probe where a slow-call rule is set', () => {
    const { breaker, clock } = halfOpen({ trip: slow })
    probe(breaker, clock, 101)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
  })

  it('S11: is strictly slower than the limit', () => {
    const { breaker, clock } = halfOpen({ trip: slow })
    probe(breaker, clock, 100)
    assert.equal(breaker.state, 'closed')
  })

  it('S11: is a failed probe where the slow-call rule is a part of the rule', () => {
    for (const trip of [anyOf(consecutiveFailures(3), slow), allOf(slow, consecutiveFailures(3))]) {
      const { breaker, clock } = halfOpen({ trip })
      probe(breaker, clock, 101)
      assert.equal(breaker.state, 'open')
    }
  })

  it('S11: is measured by the strictest of several limits', () => {
    const laxer = slowCallRate({ threshold: 1, minCalls: 5, slowerThan: 1_000, lastCalls: 5 })
    const { breaker, clock } = halfOpen({ trip: anyOf(laxer, slow) })
    probe(breaker, clock, 101)
    assert.equal(breaker.state, 'open')
  })

  it('S11: is a success without such a rule, however slow within its lease', () => {
    const { breaker, clock } = halfOpen({ failMax: 1 })
    probe(breaker, clock, 4_999)
    assert.equal(breaker.state, 'closed')
  })

  it('S11: counts as slow, as failed, and towards the number of probes that may fail', () => {
    const { breaker, clock } = halfOpen({ trip: slow, halfOpen: { calls: 3, successes: 1 } })
    probe(breaker, clock, 101)
    assert.equal(breaker.state, 'half-open')
    assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 0, failures: 1, slow: 1 })
    probe(breaker, clock, 50)
    assert.equal(breaker.state, 'closed')
  })

  it('S11: passes its result to timeoutDuration, since no error opened the circuit', () => {
    const results: unknown[] = []
    const { breaker, clock } = halfOpen({
      trip: slow,
      timeoutDuration: ({ result, reason }) => results.push([reason, result]),
    })
    const permit = breaker.acquire()
    clock.advance(101)
    permit.success('slow')
    assert.deepEqual(results, [['probeFailed', 'slow']])
  })

  it('S11: is no failure if it is ignored', () => {
    const { breaker, clock } = halfOpen({ trip: slow })
    const permit = breaker.acquire()
    clock.advance(101)
    permit.ignore()
    assert.equal(breaker.state, 'half-open')
  })

  it('S11: is never a generator, which runs at the pace of its consumer', () => {
    const { breaker, clock } = halfOpen({ trip: slow })
    const stream = breaker.wrap(function* () {
      yield 1
    })
    for (const _ of stream()) clock.advance(500)
    assert.equal(breaker.state, 'closed')
  })
})
