import { ConsecutiveFailures } from './consecutive-failures.ts'
import type { TripRule } from './rule.ts'

/**
 * Never trips: the circuit opens only by hand.
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
