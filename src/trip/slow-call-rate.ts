import { nonNegative, ratio, readOptions } from '../base/validate.ts'
import type { TripRule, Verdict, WindowRequest } from './rule.ts'
import { spanChecks, toRequest, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowedRule } from './windowed-rule.ts'

/** The options of {@link slowCallRate}. */
export type SlowCallRateOptions = Span & {
  /** Slow calls per completed call that trip, above 0 and up to 1. */
  readonly threshold: number
  /** Milliseconds; a call is slow if it takes strictly longer. */
  readonly slowerThan: number
  /** Completed calls below which there is no rate. Default 20, or `lastCalls` if that is less. */
  readonly minCalls?: number | undefined
}

class SlowCallRate extends WindowedRule {
  override readonly slowerThan: number
  override readonly slowest: number
  readonly #threshold: number
  readonly #request: WindowRequest

  constructor(threshold: number, slowerThan: number, request: WindowRequest) {
    super()
    this.slowerThan = this.slowest = slowerThan
    this.#threshold = threshold
    this.#request = { ...request, slowerThan }
  }

  override get canTripPool(): boolean {
    return this.#request.time !== undefined
  }

  override begin(request: (wanted: WindowRequest) => Window): Verdict {
    const window = request(this.#request)
    return () => ((window.slowCallRate ?? 0) >= this.#threshold ? 'slowCallRate' : undefined)
  }
}

/**
 * Trips when at least `threshold` of the completed calls in the window were slow, whether they failed or not. While
 * half-open a slow probe is a failed one. Costs two clock readings per call.
 *
 * @throws {TypeError | RangeError} for a bad option, or one with which it could never trip.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, slowCallRate } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   trip: slowCallRate({ threshold: 0.8, slowerThan: 2_000, window: 30_000 }),
 * })
 * ```
 */
export function slowCallRate(options: SlowCallRateOptions): TripRule {
  const given = readOptions<SlowCallRateOptions>(
    options,
    { threshold: ratio, slowerThan: nonNegative, ...spanChecks },
    'slowCallRate options',
  )
  ratio(given.threshold, 'threshold')
  nonNegative(given.slowerThan, 'slowerThan')
  return new SlowCallRate(given.threshold, given.slowerThan, toRequest(given, 20, 'slowCallRate'))
}
