import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  customRule,
  failureCount,
  failureRate,
  never,
  slowCallRate,
  type CircuitBreakerOptions,
  type TripRule,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { warningsDuring } from '../../helpers/warnings.ts'
import { parameters } from '../model/parameters.ts'
import { anyRule, toRule } from '../model/settings.ts'

/** A breaker, and the reports that it makes while calls fail, one per `pause` milliseconds. */
function make(
  trip: TripRule,
  options: CircuitBreakerOptions = {},
): { breaker: CircuitBreaker; reports: string[]; failing: (times: number, pause?: number) => void } {
  const clock = new ManualClock()
  const reports: string[] = []
  const onListenerError = (error: unknown): unknown => reports.push((error as Error).message)
  const breaker = new CircuitBreaker({ clock, trip, onListenerError, ...options })
  const failing = (times: number, pause = 1_000): void => {
    for (let i = 0; i < times; i++) {
      breaker.tryAcquire()?.failure(new Error('down'))
      clock.advance(pause)
    }
  }
  return { breaker, reports, failing }
}

const rate = failureRate({ threshold: 0.5, window: 10_000 })
const inertRules: Record<string, [TripRule, string]> = {
  'too few calls for a rate': [
    rate,
    '`failureRate` waits for `minCalls` 20, of which its window of 10 s never held more than 10',
  ],
  'too few calls for a count': [
    failureCount({ count: 30, window: 20_000 }),
    '`failureCount` waits for `count` 30, of which its window of 20 s never held more than 20',
  ],
  'too few calls for the minCalls of a count': [
    failureCount({ count: 3, minCalls: 70, window: 60_000 }),
    '`failureCount` waits for `minCalls` 70, of which its window of 1 min never held more than 60',
  ],
  'failures that are not slow': [
    slowCallRate({ threshold: 0.5, slowerThan: 2_000, lastCalls: 20 }),
    '`slowCallRate` waits for calls that take longer than 2 s, and these failures do not',
  ],
  'too few calls over a number of calls': [
    failureRate({ threshold: 1, lastCalls: 1_000, minCalls: 500 }),
    '`failureRate` waits for `minCalls` 500, of which its window of 1000 calls never held more than 101',
  ],
  'a custom rule that answers false': [
    customRule('mine', { lastCalls: 20 }, () => false),
    '`mine` does not answer `true`',
  ],
  'one part of allOf': [
    allOf(consecutiveFailures(3), rate),
    '`failureRate` waits for `minCalls` 20, of which its window of 10 s never held more than 10',
  ],
  'all parts of anyOf': [
    anyOf(rate, never(), failureCount({ count: 6, window: 5_000 })),
    '`failureRate` waits for `minCalls` 20, of which its window of 10 s never held more than 10, and `failureCount` ' +
      'waits for `count` 6, of which its window of 5 s never held more than 5',
  ],
}

describe('S19c: a rule that the traffic can never meet', () => {
  for (const [title, [trip, waits]] of Object.entries(inertRules)) {
    it(`S19c: is reported at the 101st failure in a row, and says what it waits for: ${title}`, () => {
      const { breaker, reports, failing } = make(trip)
      failing(100)
      assert.deepEqual(reports, [])
      failing(1)
      assert.deepEqual(reports, [`The circuit is still closed after 101 failures in a row: ${waits}`])
      assert.equal(breaker.state, 'closed')
    })
  }

  it('S19c: a success starts the count again', () => {
    const { breaker, reports, failing } = make(rate)
    failing(100)
    succeed(breaker)
    failing(100)
    assert.deepEqual(reports, [])
    failing(1)
    assert.equal(reports.length, 1)
  })

  it('S19c: is reported once per closed period', () => {
    const { breaker, reports, failing } = make(rate)
    failing(300)
    succeed(breaker)
    failing(300)
    breaker.close()
    failing(300)
    breaker.configure({ trip: failureCount({ count: 50, window: 10_000 }) })
    failing(300)
    assert.equal(reports.length, 1)
    breaker.open()
    breaker.close()
    failing(300)
    assert.equal(reports.length, 2)
  })

  it('S19c: waits for the longest run that a consecutiveFailures(n) in the rule asks for', () => {
    const { reports, failing } = make(allOf(anyOf(consecutiveFailures(250), consecutiveFailures(7)), rate))
    failing(250)
    assert.deepEqual(reports, [])
    failing(1)
    assert.equal(reports.length, 1)
    assert.match(reports[0]!, /after 251 failures/)
  })

  it('S19c: one report for each breaker that shares the rule', () => {
    const both = [make(rate), make(rate)]
    for (const { reports, failing } of both) {
      failing(101)
      assert.equal(reports.length, 1)
    }
  })

  it('S8, S19c: is one process warning without onListenerError', () => {
    const warnings = warningsDuring(() =>
      make(rate, { name: 'payments', onListenerError: undefined }).failing(500),
    )
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /^RecloserWarning: payments: Error: The circuit is still closed after 101/)
  })

  it('S3, S19c: the handler of the report may use the breaker', () => {
    const { breaker, failing } = make(rate, { onListenerError: () => breaker.isolate('inert') })
    failing(101)
    assert.deepEqual([breaker.state, breaker.snapshot().late], ['isolated', 1])
    const again = make(rate, { onListenerError: () => fail(again.breaker, 5) })
    again.failing(101)
    assert.equal(again.breaker.failCounter, 106)
  })

  it('S19c: only an enforcing circuit reports it', () => {
    for (const mode of ['observe', 'off'] as const) {
      const { breaker, reports, failing } = make(rate, { mode })
      failing(500)
      assert.deepEqual(reports, [])
      breaker.mode = 'enforce'
      failing(500)
      assert.equal(reports.length, 1)
    }
  })

  const silent: Record<string, TripRule> = {
    'never()': never(),
    'anyOf() with only never() beside a rule that trips': anyOf(never(), consecutiveFailures(400)),
    'a long run of consecutive failures': consecutiveFailures(400),
    'a rule beside one that trips': anyOf(rate, consecutiveFailures(400)),
  }
  for (const [title, trip] of Object.entries(silent)) {
    it(`S19c: says nothing of ${title}`, () => {
      const { reports, failing } = make(trip)
      failing(500)
      assert.deepEqual(reports, [])
    })
  }

  it('S19c: says nothing while only earlier successes hold a rate down, which then trips', () => {
    for (const trip of [
      failureRate({ threshold: 0.5, window: 10_000 }),
      failureRate({ threshold: 0.5, lastCalls: 2_000 }),
      failureCount({ count: 700, lastCalls: 2_000 }),
    ]) {
      const { breaker, reports, failing } = make(trip)
      succeed(breaker, 1_000)
      failing(500, 1)
      assert.equal(breaker.state, 'closed')
      failing(500, 1)
      assert.deepEqual([breaker.state, reports], ['open', []])
    }
  })

  it('S19c: says nothing while only earlier fast calls hold the rate of slow ones down', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 0.5, slowerThan: 5, lastCalls: 400 })
    const { breaker, reports } = make(trip, { clock })
    succeed(breaker, 400)
    const slowFailures = (times: number, slowOnes: number): void => {
      for (let i = 0; i < times; i++) {
        const permit = breaker.acquire()
        clock.advance(i < slowOnes ? 6 : 5)
        permit.failure(new Error('down'))
      }
    }
    slowFailures(199, 199)
    assert.equal(breaker.state, 'closed')
    slowFailures(1, 1)
    assert.deepEqual([breaker.state, reports], ['open', []])
    breaker.close()
    slowFailures(101, 9)
    assert.equal(reports.length, 1)
    assert.match(reports[0]!, /longer than 5 ms, and too few of these failures do$/)
  })

  it('S19c: says how much the window holds now if it once held enough', () => {
    const { breaker, reports, failing } = make(rate)
    succeed(breaker, 50)
    failing(101)
    assert.match(reports[0]!, /waits for `minCalls` 20, of which its window of 10 s now holds 10$/)
  })

  it('S19c: every rule either trips within 101 failures or is reported, once', () => {
    const property = fc.property(anyRule, fc.nat(30), (rule, pause) => {
      const { breaker, reports, failing } = make(toRule(rule))
      failing(101, pause)
      const isSilent = breaker.state !== 'closed' || rule.rule === 'never'
      assert.equal(reports.length, isSilent ? 0 : 1)
      failing(50, pause)
      assert.ok(reports.length <= 1)
    })
    fc.assert(property, parameters)
  })
})
