import type { ErrorSink } from '../base/error-sink.ts'
import { handleRejection } from '../base/outcome.ts'
import { aBoolean, check, checkFunction, nonNegative, readOptions } from '../base/validate.ts'
import type { TripRule } from './rule.ts'
import { spanChecks, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowRule } from './windowed-rule.ts'

/** The options of {@link customRule}. */
export type CustomRuleOptions = Span & {
  /**
   * The number of completed calls in the window below which the predicate is not asked.
   *
   * @default 1
   */
  readonly minCalls?: number | undefined
  /**
   * A call that takes longer than this number of milliseconds is slow. While the circuit is half-open, a slow probe
   * then counts as failed. It costs two clock readings per call.
   *
   * @default no call is slow, unless another rule of the same breaker has a `slowerThan`
   */
  readonly slowerThan?: number | undefined
}

/** What a custom rule decides on: the completed calls in its window. */
export interface CustomRuleCounts {
  /** All calls. */
  readonly calls: number
  /** The failures, slow ones included. */
  readonly failures: number
  /** The slow calls, failures included. */
  readonly slow: number
  /** The failures since the last success, whatever the window covers. */
  readonly consecutiveFailures: number
}

const LONGEST_NAME = 64
/** The reasons of transitions that no rule causes. */
const RESERVED = /^(?:manual|timeoutElapsed|probe(?:Succeeded|Failed|Timeout))$/

/**
 * Returns a rule of your own: it trips when `predicate` returns `true` for the counts of its window. Like every rule it
 * is asked after a failure and after a slow call. What it throws, or returns instead of a boolean, goes to
 * `onListenerError` and counts as `false`. In a fleet it is also asked about the sums of all members if it has a
 * `window` of time.
 *
 * @param name the trip reason: 1 to 64 characters, and none of the breaker's own reasons, such as `'manual'`
 * @param predicate must return at once: a promise counts as `false`
 * @throws {TypeError | RangeError} for an invalid argument.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, customRule } from 'recloser'
 *
 * // Half of the calls fail, or ten in a row
 * const trip = customRule(
 *   'unhealthy',
 *   { window: 10_000, minCalls: 5 },
 *   ({ calls, failures, consecutiveFailures }) => failures / calls >= 0.5 || consecutiveFailures >= 10,
 * )
 * const breaker = new CircuitBreaker({ trip })
 * for (let i = 0; i < 5; i++) breaker.acquire().failure()
 * console.log(breaker.state, breaker.snapshot().tripReason) // open unhealthy
 * ```
 */
export function customRule(
  name: string,
  options: CustomRuleOptions,
  predicate: (counts: CustomRuleCounts) => boolean,
): TripRule {
  check(
    typeof name === 'string' && name.length > 0 && name.length <= LONGEST_NAME && !RESERVED.test(name),
    'customRule name',
    `a string of 1 to ${LONGEST_NAME} characters that is no reason of the breaker itself`,
    name,
  )
  const given = readOptions<CustomRuleOptions>(
    options,
    { slowerThan: nonNegative, ...spanChecks },
    'customRule options',
  )
  checkFunction(predicate, 'customRule predicate')
  // The windows about which the predicate is being asked. A call that it makes itself does not ask it again.
  const asked = new Set<Window>()
  const ask = (window: Window, consecutiveFailures: number, errors: ErrorSink): boolean => {
    const { calls, failures, slow, minCalls } = window
    if (calls < minCalls || asked.has(window)) return false
    asked.add(window)
    window.answer = false
    try {
      const answer: unknown = predicate({ calls, failures, slow, consecutiveFailures })
      handleRejection(answer)
      aBoolean(answer, `${name}()`)
      window.answer = answer === true
    } catch (error) {
      errors.report(error)
    } finally {
      asked.delete(window)
    }
    return window.answer
  }
  const { slowerThan } = given
  const identity = { rule: 'customRule', name, ...(slowerThan !== undefined && { slowerThan }) } as const
  return new WindowRule(given, 1, identity, ask)
}
