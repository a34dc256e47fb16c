import { nonNegative, ratio, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link slowCallRate}. */
export type SlowCallRateOptions = Span & {
  /** The slow call rate at which the rule trips: slow calls per completed call, above 0 and at most 1. */
  readonly threshold: number
  /** A call that takes longer than this number of milliseconds is slow. */
  readonly slowerThan: number
  /**
   * The number of completed calls in the window below which the rule does not trip.
   *
   * @default 20, or `lastCalls` if that is less
   */
  readonly minCalls?: number | undefined
}

/**
 * Returns a rule that trips when at least `threshold` of the completed calls in the window were slow, whether they
 * failed or not. While the circuit is half-open, a slow probe counts as failed. The rule costs two clock readings per
 * call.
 *
 * @throws {TypeError | RangeError} for an invalid option, or options with which the rule could never trip.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, slowCallRate } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   trip: slowCallRate({ threshold: 0.8, slowerThan: 2_000, window: 30_000 }),
 * })
 * ```
 */
export function slowCallRate(options: SlowCallRateOptions): TripRule {
  const given = readOptions<SlowCallRateOptions>(
    options,
    { threshold: ratio, slowerThan: nonNegative, ...spanChecks },
    'slowCallRate options',
  )
  const { threshold, slowerThan } = given
  ratio(threshold, 'threshold')
  nonNegative(slowerThan, 'slowerThan')
  const isMet = ({ slowCallRate: rate }: Window): boolean => (rate ?? 0) >= threshold
  return new WindowRule(given, 20, { rule: 'slowCallRate', threshold, slowerThan }, isMet)
}
