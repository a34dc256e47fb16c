import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  allOf,
  anyOf,
  consecutiveFailures,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  never,
  slowCallRate,
} from '../../../src/index.ts'
import * as bad from '../../helpers/bad-values.ts'
import { refused } from '../../helpers/refusal.ts'

describe('bad arguments of rules', () => {
  const span = { lastCalls: 10 }
  const rules: Record<string, (options: never) => unknown> = { failureRate, failureCount, slowCallRate }
  const good: Record<string, object> = {
    failureRate: { threshold: 0.5, ...span },
    failureCount: { count: 3, ...span },
    slowCallRate: { threshold: 0.5, slowerThan: 100, ...span },
  }

  bad.table(
    'consecutiveFailures(n)',
    [...bad.positiveInteger, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => consecutiveFailures(value), kind, 'consecutiveFailures', got),
  )

  for (const [name, rule] of Object.entries(rules)) {
    const make =
      (more: object): (() => unknown) =>
      () =>
        rule({ ...good[name], ...more } as never)

    it(`${name} accepts its good options`, () => assert.ok(make({})()))
    bad.table(
      `${name}(options)`,
      [...bad.notOptionObjects, [undefined, TypeError, 'undefined']],
      (value, kind, got) => refused(() => rule(value), kind, name, got),
    )
    bad.table(`${name}.lastCalls`, bad.positiveInteger, (value, kind, got) =>
      refused(make({ lastCalls: value }), kind, 'lastCalls', got),
    )
    bad.table(`${name}.window`, bad.positive, (value, kind, got) =>
      refused(make({ lastCalls: undefined, window: value }), kind, 'window', got),
    )
    bad.table(`${name}.buckets`, bad.positiveInteger, (value, kind, got) =>
      refused(make({ lastCalls: undefined, window: 1_000, buckets: value }), kind, 'buckets', got),
    )
    bad.table(`${name}.minCalls`, bad.positiveInteger, (value, kind, got) =>
      refused(make({ minCalls: value }), kind, 'minCalls', got),
    )

    it(`${name} must have a window or lastCalls, and not both`, () => {
      const span = `the span of ${name}`
      refused(make({ lastCalls: undefined }), TypeError, span, 'window', 'lastCalls', 'neither')
      refused(make({ window: 1_000 }), TypeError, span, 'window', 'lastCalls', 'both')
    })

    it(`${name} refuses buckets without a time window`, () => {
      refused(make({ buckets: 5 }), TypeError, 'buckets', 'lastCalls')
    })

    it(`${name} refuses more minCalls than it can ever count`, () => {
      refused(make({ minCalls: 11 }), RangeError, 'minCalls', 'lastCalls', '10', '11')
    })

    it(`${name} accepts the largest sizes, and refuses those that can only be a typing error`, () => {
      assert.ok(make({ lastCalls: 1_000_000 })())
      assert.ok(make({ lastCalls: undefined, window: 1_000, buckets: 10_000 })())
      refused(make({ lastCalls: 1_000_001 }), RangeError, 'lastCalls', 'up to 1000000', '1000001')
      refused(make({ lastCalls: 2 ** 40 }), RangeError, 'lastCalls')
      refused(make({ lastCalls: undefined, window: 1_000, buckets: 2 ** 40 }), RangeError, 'buckets')
    })

    it(`${name} refuses unknown names`, () => {
      refused(make({ treshold: 0.5 }), TypeError, name, '`treshold`')
    })
  }

  for (const name of ['failureRate', 'slowCallRate']) {
    bad.table(`${name}.threshold`, [...bad.ratio, [undefined, TypeError, 'undefined']], (value, kind, got) =>
      refused(() => rules[name]?.({ ...good[name], threshold: value } as never), kind, 'threshold', got),
    )
  }
  bad.table(
    'slowCallRate.slowerThan',
    [...bad.nonNegative, [undefined, TypeError, 'undefined']],
    (value, kind, got) =>
      refused(() => slowCallRate({ threshold: 1, slowerThan: value, lastCalls: 5 }), kind, 'slowerThan', got),
  )
  bad.table(
    'failureCount.count',
    [...bad.positiveInteger, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => failureCount({ count: value, lastCalls: 5 }), kind, 'count', got),
  )

  it('failureCount refuses a count that its window cannot hold', () => {
    refused(() => failureCount({ count: 6, lastCalls: 5 }), RangeError, 'count', 'lastCalls', '5', '6')
  })

  for (const [name, combine] of Object.entries({ anyOf, allOf })) {
    it(`${name} refuses to combine nothing`, () => {
      refused(() => combine(), TypeError, name, 'at least one rule', '`0`')
    })

    bad.table(
      `an argument of ${name}`,
      [
        ...bad.notObjects,
        [{}, TypeError, '(object)'],
        [[consecutiveFailures(2)], TypeError, '(object)'],
        [consecutiveFailures, TypeError, '(function)'],
        [undefined, TypeError, 'undefined'],
      ],
      (value, kind, got) =>
        refused(() => combine(consecutiveFailures(2), value), kind, name, '2', 'a trip rule', got),
    )

    it(`${name} refuses to combine only never()`, () => {
      refused(() => combine(never(), never()), TypeError, name, 'never')
    })
  }

  it('allOf refuses a rule that never trips, because then it never trips itself', () => {
    refused(
      () => allOf(consecutiveFailures(2), never()),
      TypeError,
      'allOf',
      'only rules that can trip',
      'never',
    )
    refused(() => anyOf(never(), anyOf(never())), TypeError, 'anyOf', 'a rule that can trip', 'never')
  })

  it('anyOf may contain never() next to a rule that trips', () => {
    assert.ok(anyOf(never(), consecutiveFailures(2)))
    assert.ok(allOf(consecutiveFailures(2), anyOf(never(), consecutiveFailures(3))))
  })
})

describe('bad arguments of open times', () => {
  bad.table(
    'exponentialBackoff.initial',
    [...bad.positive, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => exponentialBackoff({ initial: value }), kind, 'initial', got),
  )
  bad.table('exponentialBackoff.max', bad.positive, (value, kind, got) =>
    refused(() => exponentialBackoff({ initial: 1, max: value }), kind, 'max', got),
  )
  bad.table('exponentialBackoff.factor', [...bad.positive, [0.5, RangeError, '`0.5`']], (value, kind, got) =>
    refused(() => exponentialBackoff({ initial: 1, factor: value }), kind, 'factor', got),
  )
  bad.table(
    'exponentialBackoff.jitter',
    [
      ['half', TypeError, '`"half"`'],
      [0.5, TypeError, '`0.5`'],
      [true, TypeError, '`true`'],
      [null, TypeError, '`null`'],
    ],
    (value, kind, got) =>
      refused(() => exponentialBackoff({ initial: 1, jitter: value }), kind, 'jitter', got),
  )
  bad.table(
    'exponentialBackoff(options)',
    [...bad.notOptionObjects, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => exponentialBackoff(value), kind, 'exponentialBackoff', got),
  )
  bad.table(
    'honorRetryAfter(base)',
    [...bad.nonNegative, [undefined, TypeError, 'undefined']],
    (value, kind, got) => refused(() => honorRetryAfter(value), kind, 'base', got),
  )
  bad.table('honorRetryAfter.max', bad.positive, (value, kind, got) =>
    refused(() => honorRetryAfter(1, { max: value }), kind, 'max', got),
  )
  bad.table('honorRetryAfter(…, options)', bad.notOptionObjects, (value, kind, got) =>
    refused(() => honorRetryAfter(1, value), kind, 'honorRetryAfter', got),
  )

  it('exponentialBackoff refuses a max below initial', () => {
    refused(() => exponentialBackoff({ initial: 100, max: 99 }), RangeError, 'max', 'initial', '100', '99')
    refused(() => exponentialBackoff({ initial: 3_600_001 }), RangeError, 'max', '3600001')
  })

  it('unknown names are refused', () => {
    refused(() => exponentialBackoff({ initial: 1, maximum: 5 } as never), TypeError, 'maximum')
    refused(() => honorRetryAfter(1, { cap: 5 } as never), TypeError, 'cap')
  })
})
