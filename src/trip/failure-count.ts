import { check, positiveInteger, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link failureCount}. */
export type FailureCountOptions = Span & {
  /** Failures in the window that trip. */
  readonly count: number
  /** Completed calls below which it does not trip. Default `count`. */
  readonly minCalls?: number | undefined
}

/**
 * Trips at `count` failures in the window, however many calls succeeded in between: for dependencies that are called
 * seldom and should not fail at all.
 *
 * @throws {TypeError | RangeError} for a bad option, or one with which it could never trip.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, failureCount } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ trip: failureCount({ count: 3, window: 60_000 }) })
 * ```
 */
export function failureCount(options: FailureCountOptions): TripRule {
  const given = readOptions<FailureCountOptions>(
    options,
    { count: positiveInteger, ...spanChecks },
    'failureCount options',
  )
  const { count, lastCalls } = given
  positiveInteger(count, 'count')
  check(
    lastCalls === undefined || count <= lastCalls,
    'count',
    `a number up to \`lastCalls\` (${lastCalls}), else failureCount never trips`,
    count,
  )
  const isMet = ({ failures, calls, minCalls }: Window): boolean => failures >= count && calls >= minCalls
  return new WindowRule(given, count, 'failureCount', isMet)
}
