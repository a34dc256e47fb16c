import { TripRule, type Verdict } from './rule.ts'

class Never extends TripRule {
  override readonly canTrip = false

  override begin(): Verdict {
    return () => undefined
  }
}

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
  return new Never()
}
