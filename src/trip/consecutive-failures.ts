import { positiveInteger } from '../base/validate.ts'
import { TripRule, type Judge, type Verdict } from './rule.ts'

/** A rule that needs no window. */
export class ConsecutiveFailures extends TripRule {
  override readonly canTrip: boolean
  // It counts nothing itself, so all circuits share it.
  readonly #judge: Judge

  constructor(count: number) {
    super()
    this.canTrip = count < Infinity
    const verdict: Verdict = (run) => (run >= count ? 'consecutiveFailures' : undefined)
    this.#judge = { verdict, windows: [] }
  }

  override bind(): Verdict {
    return this.#judge.verdict
  }

  override judge(): Judge {
    return this.#judge
  }
}

/**
 * Trips at `count` failures in a row; a success begins the run anew, an ignored call does not touch it.
 * `failMax: n` is short for it. Quick to see a total outage, blind to a dependency that fails every second call.
 *
 * @throws {TypeError | RangeError} if `count` is not a positive integer.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, consecutiveFailures } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ trip: consecutiveFailures(10) })
 * ```
 */
export function consecutiveFailures(count: number): TripRule {
  positiveInteger(count, 'consecutiveFailures count')
  return new ConsecutiveFailures(count)
}
