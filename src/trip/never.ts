import { ConsecutiveFailures } from './consecutive-failures.ts'
import type { TripRule } from './rule.ts'

/**
 * Returns a rule that never trips. The circuit opens only manually.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, never } from 'recloser'
 *
 * const killSwitch = new CircuitBreaker({ name: 'recommendations', trip: never() })
 * ```
 */
export function never(): TripRule {
  return new ConsecutiveFailures(Infinity)
}
