import { ratio, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link failureRate}. */
export type FailureRateOptions = Span & {
  /** Failures per completed call that trip, above 0 and up to 1. */
  readonly threshold: number
  /** Completed calls below which there is no rate. Default 20, or `lastCalls` if that is less. */
  readonly minCalls?: number | undefined
}

/**
 * Trips when at least `threshold` of the completed calls in the window failed. Sees partial outages; needs `minCalls`
 * calls in the window, so a dependency that is rarely called wants {@link consecutiveFailures} beside it.
 *
 * @throws {TypeError | RangeError} for a bad option, or one with which it could never trip.
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
  return new WindowRule(given, 20, 'failureRate', ({ failureRate: rate }) => (rate ?? 0) >= threshold)
}
