import { CircuitBreaker } from '../../breaker.ts'
import type { CallPermit } from '../../core/permit.ts'

/** How long a call has taken until now; NaN if nobody wants to know. */
export function elapsed(breaker: CircuitBreaker, { start }: CallPermit): number {
  return start === undefined ? NaN : now(breaker) - start
}

/**
 * Makes `latency` the time that a call took, which ends now. A permit measures to its end; but of a stream it is the time
 * to the first token that says how the provider is doing.
 */
export function setElapsed(breaker: CircuitBreaker, permit: CallPermit, latency: number): void {
  ;(permit as { start: number }).start = now(breaker) - latency
}

function now(breaker: CircuitBreaker): number {
  return CircuitBreaker.circuitOf(breaker)?.time.now() ?? NaN
}
