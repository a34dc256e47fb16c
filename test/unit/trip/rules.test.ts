import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  failureRate,
  never,
  slowCallRate,
  type TripRule,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'

/** Plays calls: `.` succeeds, `x` fails, `s` is a slow success, `X` a slow failure, `-` is ignored. */
function play(trip: TripRule, calls: string): { trippedAt: number; reason: string | null } {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, trip })
  for (const [index, call] of calls.split('').entries()) {
    const permit = breaker.acquire()
    clock.advance(/[sX]/.test(call) ? 11 : 1)
    if (call === '-') permit.ignore()
    else if (/x/i.test(call)) permit.failure(new Error('down'))
    else permit.success()
    if (breaker.state !== 'closed') return { trippedAt: index + 1, reason: breaker.snapshot().tripReason }
  }
  return { trippedAt: 0, reason: null }
}

const slowerThan = 10
const cases: [title: string, trip: TripRule, calls: string, trippedAt: number][] = [
  ['consecutiveFailures: at the run', consecutiveFailures(3), 'xxx', 3],
  ['consecutiveFailures: at the first failure', consecutiveFailures(1), '..x', 3],
  ['consecutiveFailures: not when interrupted', consecutiveFailures(3), 'xx.xx.xx', 0],
  ['consecutiveFailures: ignored calls are not there', consecutiveFailures(3), 'x-x--x', 6],
  ['consecutiveFailures: a slow success interrupts', consecutiveFailures(3), 'xxsxx', 0],
  [
    'failureRate: at threshold and minCalls',
    failureRate({ threshold: 0.5, minCalls: 4, lastCalls: 8 }),
    '..xx',
    4,
  ],
  ['failureRate: not before minCalls', failureRate({ threshold: 0.5, minCalls: 4, lastCalls: 8 }), 'xxx', 0],
  [
    'failureRate: threshold 1 needs all',
    failureRate({ threshold: 1, minCalls: 2, lastCalls: 3 }),
    'x.xxx',
    5,
  ],
  [
    'failureRate: the oldest call leaves the window',
    failureRate({ threshold: 0.6, minCalls: 5, lastCalls: 5 }),
    '.....xxx',
    8,
  ],
  ['failureRate: over time', failureRate({ threshold: 0.5, minCalls: 4, window: 1_000 }), '.x.x', 4],
  [
    'failureRate: expired calls',
    failureRate({ threshold: 0.5, minCalls: 4, window: 2, buckets: 2 }),
    'xxxxxxxx',
    0,
  ],
  ['failureCount: whatever succeeds in between', failureCount({ count: 3, lastCalls: 9 }), 'x..x...x', 8],
  ['failureCount: within the window only', failureCount({ count: 3, lastCalls: 5 }), 'x..x...x', 0],
  ['failureCount: with minCalls', failureCount({ count: 1, minCalls: 3, lastCalls: 5 }), 'x.xx', 3],
  ['failureCount: over time', failureCount({ count: 2, window: 100 }), 'x..x', 4],
  [
    'slowCallRate: slow successes',
    slowCallRate({ threshold: 0.5, slowerThan, minCalls: 4, lastCalls: 8 }),
    '.ss.s',
    5,
  ],
  [
    'slowCallRate: slow failures',
    slowCallRate({ threshold: 1, slowerThan, minCalls: 2, lastCalls: 8 }),
    'XX',
    2,
  ],
  [
    'slowCallRate: not for fast failures',
    slowCallRate({ threshold: 0.5, slowerThan, minCalls: 2, lastCalls: 8 }),
    'xxxxx',
    0,
  ],
  [
    'slowCallRate: not below its threshold',
    slowCallRate({ threshold: 0.5, slowerThan, minCalls: 3, lastCalls: 8 }),
    's.x..sx',
    0,
  ],
  [
    'slowCallRate: evaluated at the failure that completes minCalls',
    slowCallRate({ threshold: 0.5, slowerThan, minCalls: 4, lastCalls: 8 }),
    'ss.x',
    4,
  ],
  [
    'slowCallRate: 0 makes every call slow that takes any time',
    slowCallRate({ threshold: 1, slowerThan: 0, minCalls: 2, lastCalls: 8 }),
    '..',
    2,
  ],
  [
    'slowCallRate: over time',
    slowCallRate({ threshold: 1, slowerThan, minCalls: 3, window: 1_000 }),
    'sss',
    3,
  ],
  [
    'anyOf: the first that is met',
    anyOf(consecutiveFailures(5), failureCount({ count: 3, lastCalls: 9 })),
    'x.x.x',
    5,
  ],
  ['anyOf: one rule alone', anyOf(consecutiveFailures(2)), 'xx', 2],
  ['anyOf: beside never', anyOf(never(), consecutiveFailures(2)), 'xx', 2],
  [
    'allOf: not before all are met',
    allOf(consecutiveFailures(2), failureCount({ count: 4, lastCalls: 9 })),
    'xx.x.xxx',
    7,
  ],
  ['allOf: one rule alone', allOf(consecutiveFailures(2)), '.xx', 3],
  [
    'allOf: all at the same moment',
    allOf(consecutiveFailures(3), failureRate({ threshold: 0.5, minCalls: 6, lastCalls: 6 })),
    'xxx...x..xxx',
    12,
  ],
  ['never: never', never(), 'xxxxxxxxxxxxxXXXX', 0],
]

describe('trip rules', () => {
  for (const [title, trip, calls, trippedAt] of cases) {
    it(`${title} (${calls})`, () => assert.equal(play(trip, calls).trippedAt, trippedAt))
  }

  it('are opaque, and do not serialize to data', () => {
    for (const trip of [consecutiveFailures(2), never(), failureRate({ threshold: 0.5, lastCalls: 5 })]) {
      assert.equal(typeof trip, 'object')
      assert.equal(play(trip, '').trippedAt, 0)
    }
  })

  it('each have their own limit for slow calls', () => {
    const fast = slowCallRate({ threshold: 1, slowerThan: 5, minCalls: 2, lastCalls: 9 })
    const patient = slowCallRate({ threshold: 1, slowerThan: 50, minCalls: 2, lastCalls: 9 })
    assert.equal(play(anyOf(patient, fast), 'ss').reason, 'slowCallRate')
    assert.equal(play(allOf(patient, fast), 'ssss').trippedAt, 0)
    assert.equal(play(patient, 'ssss').trippedAt, 0)
  })

  it('a nested rule is evaluated like one that is not', () => {
    const rate = failureRate({ threshold: 0.5, minCalls: 2, lastCalls: 9 })
    const nested = anyOf(allOf(anyOf(rate), allOf(consecutiveFailures(2))))
    assert.deepEqual(play(nested, '.xx'), { trippedAt: 3, reason: 'failureRate+consecutiveFailures' })
  })

  it('one rule used twice in a combination counts separately for each use', () => {
    const count = failureCount({ count: 2, lastCalls: 4 })
    assert.deepEqual(play(allOf(count, count), 'xx'), { trippedAt: 2, reason: 'failureCount+failureCount' })
  })
})
