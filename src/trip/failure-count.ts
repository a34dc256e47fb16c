import { check, positiveInteger, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link failureCount}. */
export type FailureCountOptions = Span & {
  /** The number of failures in the window at which the rule trips. */
  readonly count: number
  /**
   * The number of completed calls in the window below which the rule does not trip.
   *
   * @default `count`
   */
  readonly minCalls?: number | undefined
}

/**
 * Returns a rule that trips at `count` failures in the window, however many calls succeed in between. Use it for
 * dependencies that are rarely called and should not fail at all.
 *
 * @throws {TypeError | RangeError} for an invalid option, or options with which the rule could never trip.
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
  return new WindowRule(given, count, { rule: 'failureCount', count }, isMet)
}
