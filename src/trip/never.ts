import { NO_WINDOWS, TripRule, type Judge, type Verdict } from './rule.ts'

class Never extends TripRule {
  override readonly canTrip = false

  override begin(): Verdict {
    return () => undefined
  }

  override judge(): Judge {
    return { verdict: this.begin(), windows: NO_WINDOWS }
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
