import { nonNegative, ratio, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link slowCallRate}. */
export type SlowCallRateOptions = Span & {
  /** Slow calls per completed call that trip, above 0 and up to 1. */
  readonly threshold: number
  /** Milliseconds; a call is slow if it takes strictly longer. */
  readonly slowerThan: number
  /** Completed calls below which there is no rate. Default 20, or `lastCalls` if that is less. */
  readonly minCalls?: number | undefined
}

/**
 * Trips when at least `threshold` of the completed calls in the window were slow, whether they failed or not. While
 * half-open a slow probe is a failed one. Costs two clock readings per call.
 *
 * @throws {TypeError | RangeError} for a bad option, or one with which it could never trip.
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
  const { threshold } = given
  ratio(threshold, 'threshold')
  nonNegative(given.slowerThan, 'slowerThan')
  return new WindowRule(given, 20, 'slowCallRate', ({ slowCallRate: rate }) => (rate ?? 0) >= threshold)
}
