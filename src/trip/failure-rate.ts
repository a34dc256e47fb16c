import { ratio, readOptions } from '../base/validate.ts'
import type { TripRule, Verdict, WindowRequest } from './rule.ts'
import { spanChecks, toRequest, type Span } from './span.ts'
import type { Window } from './window/window.ts'
import { WindowedRule } from './windowed-rule.ts'

/** The options of {@link failureRate}. */
export type FailureRateOptions = Span & {
  /** Failures per completed call that trip, above 0 and up to 1. */
  readonly threshold: number
  /** Completed calls below which there is no rate. Default 20, or `lastCalls` if that is less. */
  readonly minCalls?: number | undefined
}

class FailureRate extends WindowedRule {
  readonly #threshold: number
  readonly #request: WindowRequest

  constructor(threshold: number, request: WindowRequest) {
    super()
    this.#threshold = threshold
    this.#request = request
  }

  override get canTripPool(): boolean {
    return this.#request.time !== undefined
  }

  override begin(request: (wanted: WindowRequest) => Window): Verdict {
    const window = request(this.#request)
    return () => ((window.failureRate ?? 0) >= this.#threshold ? 'failureRate' : undefined)
  }
}

/**
 * Trips when at least `threshold` of the completed calls in the window failed. Sees partial outages; needs `minCalls`
 * calls in the window, so a dependency that is rarely called wants {@link consecutiveFailures} beside it.
 *
 * @throws {TypeError | RangeError} for a bad option, or one with which it could never trip.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, anyOf, consecutiveFailures, failureRate } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   trip: anyOf(consecutiveFailures(10), failureRate({ threshold: 0.5, window: 10_000 })),
 * })
 * ```
 */
export function failureRate(options: FailureRateOptions): TripRule {
  const given = readOptions<FailureRateOptions>(
    options,
    { threshold: ratio, ...spanChecks },
    'failureRate options',
  )
  ratio(given.threshold, 'threshold')
  return new FailureRate(given.threshold, toRequest(given, 20, 'failureRate'))
}
