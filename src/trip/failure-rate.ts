import { ratio, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link failureRate}. */
export type FailureRateOptions = Span & {
  /** The failure rate at which the rule trips: failures per completed call, above 0 and at most 1. */
  readonly threshold: number
  /**
   * The number of completed calls in the window below which the rule does not trip.
   *
   * @default 20, or `lastCalls` if that is less
   */
  readonly minCalls?: number | undefined
}

/**
 * Returns a rule that trips when at least `threshold` of the completed calls in the window have failed. It detects
 * partial outages. Because it needs `minCalls` calls in the window, combine it with {@link consecutiveFailures} for a
 * dependency that is rarely called.
 *
 * @throws {TypeError | RangeError} for an invalid option, or options with which the rule could never trip.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, anyOf, consecutiveFailures, failureRate } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   trip: anyOf(consecutiveFailures(10), failureRate({ threshold: 0.5, window: 10_000 })),
 * })
 * ```
 */
export function failureRate(options: FailureRateOptions): TripRule {
  const given = readOptions<FailureRateOptions>(
    options,
    { threshold: ratio, ...spanChecks },
    'failureRate options',
  )
  const { threshold } = given
  ratio(threshold, 'threshold')
  const isMet = ({ failureRate: rate }: Window): boolean => (rate ?? 0) >= threshold
  return new WindowRule(given, 20, { rule: 'failureRate', threshold }, isMet)
}
