/** Settings as plain data, so that counterexamples are readable and the model does not depend on the options. */
import * as fc from 'fast-check'
import {
  allOf,
  anyOf,
  consecutiveFailures,
  failureCount,
  failureRate,
  never,
  slowCallRate,
} from '../../../src/index.ts'
import type { CircuitBreakerOptions, TripRule } from '../../../src/index.ts'

export type Span = { readonly lastCalls: number } | { readonly window: number; readonly buckets: number }

export type Rule =
  | { readonly rule: 'consecutiveFailures'; readonly count: number }
  | {
      readonly rule: 'failureRate'
      readonly threshold: number
      readonly minCalls: number
      readonly span: Span
    }
  | { readonly rule: 'failureCount'; readonly count: number; readonly minCalls: number; readonly span: Span }
  | {
      readonly rule: 'slowCallRate'
      readonly threshold: number
      readonly minCalls: number
      readonly span: Span
      readonly slowerThan: number
    }
  | { readonly rule: 'anyOf' | 'allOf'; readonly of: readonly Rule[] }
  | { readonly rule: 'never' }

export interface Settings {
  readonly trip: Rule
  /** The open time of each attempt; the last repeats. */
  readonly openTimes: readonly number[]
  readonly halfOpen: { readonly calls: number; readonly successes: number; readonly concurrent: number }
  readonly probeTimeout: number
  /** 0 turns it off. */
  readonly attemptDecay: number
}

/** Small numbers, so that interesting cases are frequent: equal times, full windows, leases that end at a deadline. */
const duration = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.integer({ min: 0, max: 80 }).map((n) => n / 4),
)
const span: fc.Arbitrary<Span> = fc.oneof(
  fc.record({ lastCalls: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ window: fc.integer({ min: 1, max: 60 }), buckets: fc.integer({ min: 1, max: 6 }) }),
)
const threshold = fc.constantFrom(0.1, 0.2, 0.3, 1 / 3, 0.5, 0.6, 2 / 3, 0.7, 0.75, 1)
const small = fc.integer({ min: 1, max: 5 })

export const most = (span: Span): number => ('lastCalls' in span ? span.lastCalls : Number.POSITIVE_INFINITY)
const rate = fc
  .record({ threshold, minCalls: small, span })
  .map(({ threshold, minCalls, span }) => ({ threshold, minCalls: Math.min(minCalls, most(span)), span }))

const leaf = (slowerThan: fc.Arbitrary<number>): fc.Arbitrary<Rule> =>
  fc.oneof(
    small.map((count): Rule => ({ rule: 'consecutiveFailures', count })),
    rate.map((given): Rule => ({ rule: 'failureRate', ...given })),
    fc.tuple(rate, slowerThan).map(([{ threshold, minCalls, span }, slowerThan]): Rule => {
      return { rule: 'slowCallRate', slowerThan, threshold, minCalls, span }
    }),
    fc.tuple(rate, small).map(([{ minCalls, span }, count]): Rule => ({
      rule: 'failureCount',
      count: Math.min(count, most(span)),
      minCalls,
      span,
    })),
  )

/** Rules that can trip, with such limits for slow calls. */
const ruleWith = (slowerThan: fc.Arbitrary<number>): fc.Arbitrary<Rule> => {
  const combined = (of: fc.Arbitrary<Rule>): fc.Arbitrary<Rule> =>
    fc.record({ rule: fc.constantFrom('anyOf', 'allOf'), of: fc.array(of, { minLength: 1, maxLength: 3 }) })
  const single = leaf(slowerThan)
  return fc.oneof(
    { weight: 6, arbitrary: single },
    { weight: 3, arbitrary: combined(single) },
    { weight: 1, arbitrary: combined(combined(single)) },
  )
}

const trippingRule = ruleWith(fc.nat(10))

export const anyRule: fc.Arbitrary<Rule> = fc.oneof(
  { weight: 9, arbitrary: trippingRule },
  { weight: 1, arbitrary: fc.constant<Rule>({ rule: 'never' }) },
)

export const openTimes: fc.Arbitrary<readonly number[]> = fc.array(duration, { minLength: 1, maxLength: 4 })

export const halfOpen: fc.Arbitrary<Settings['halfOpen']> = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.nat(3), fc.nat(3))
  .map(([calls, fewer, lone]) => ({
    calls,
    successes: Math.max(1, calls - fewer),
    concurrent: Math.max(1, calls - lone),
  }))

export const lease: fc.Arbitrary<number> = fc.integer({ min: 1, max: 40 })
export const probeTimeout: fc.Arbitrary<number> = fc.oneof(
  lease,
  fc.constantFrom(1_020, Number.POSITIVE_INFINITY),
)
export const attemptDecay: fc.Arbitrary<number> = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }))

const settingsWith = (particular: {
  readonly [K in keyof Settings]?: fc.Arbitrary<Settings[K]>
}): fc.Arbitrary<Settings> =>
  fc.record({ trip: anyRule, openTimes, halfOpen, probeTimeout, attemptDecay, ...particular })

export const anySettings: fc.Arbitrary<Settings> = settingsWith({})

/** Settings in which every probe has a lease. */
export const withLease: fc.Arbitrary<Settings> = settingsWith({ probeTimeout: lease })

/** Settings in which no call is slow. */
export const withoutSlowCalls: fc.Arbitrary<Settings> = settingsWith({ trip: ruleWith(fc.constant(1e9)) })

/** Settings that never trip in practice, so that windows fill up. */
export const neverTripping: fc.Arbitrary<Settings> = settingsWith({
  trip: trippingRule.map((rule): Rule => ({
    rule: 'allOf',
    of: [rule, { rule: 'consecutiveFailures', count: 1e6 }],
  })),
})

export function toRule(rule: Rule): TripRule {
  switch (rule.rule) {
    case 'consecutiveFailures':
      return consecutiveFailures(rule.count)
    case 'never':
      return never()
    case 'anyOf':
      return anyOf(...rule.of.map(toRule))
    case 'allOf':
      return allOf(...rule.of.map(toRule))
    case 'failureRate':
      return failureRate({ threshold: rule.threshold, minCalls: rule.minCalls, ...rule.span })
    case 'failureCount':
      return failureCount({ count: rule.count, minCalls: rule.minCalls, ...rule.span })
    case 'slowCallRate': {
      const { threshold, minCalls, slowerThan, span } = rule
      return slowCallRate({ threshold, minCalls, slowerThan, ...span })
    }
    default:
      return rule satisfies never
  }
}

/** Converts settings to options; of partial settings, only those that are given. */
export function toOptions({ trip, openTimes, ...same }: Partial<Settings>): CircuitBreakerOptions {
  return {
    ...same,
    ...(trip && { trip: toRule(trip) }),
    ...(openTimes && { timeoutDuration: ({ attempt }) => openTimeOf(openTimes, attempt) }),
  }
}

export const openTimeOf = (openTimes: readonly number[], attempt: number): number =>
  openTimes[Math.min(attempt, openTimes.length) - 1] ?? Number.NaN
