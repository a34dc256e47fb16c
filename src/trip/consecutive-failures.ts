import { positiveInteger } from '../base/validate.ts'
import { TripRule, type Judge, type Verdict } from './rule.ts'

/** Counts nothing but what every generation counts anyway. */
export class ConsecutiveFailures extends TripRule {
  declare readonly count: number
  declare readonly canTrip: boolean
  declare readonly failMax: number | undefined
  // Stateless, so all circuits can share it.
  readonly #judge: Judge

  constructor(count: number, failMax?: number) {
    super()
    this.count = count
    this.failMax = failMax
    this.canTrip = count < Infinity
    const verdict: Verdict = (consecutive) => (consecutive >= count ? 'consecutiveFailures' : undefined)
    this.#judge = { verdict, windows: [] }
    Object.freeze(this)
  }

  override bind(): Verdict {
    return this.#judge.verdict
  }

  override toJudge(): Judge {
    return this.#judge
  }
}

/**
 * Returns a rule that trips after `count` consecutive failures. A success resets the count; an ignored call does not
 * affect it. The option `failMax: n` is short for it. It detects a total outage quickly, but not a dependency that
 * fails every second call.
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
