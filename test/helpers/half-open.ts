import { CircuitBreaker, type CircuitBreakerOptions } from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'

/** Returns a half-open breaker and its clock. */
export function halfOpen(options: CircuitBreakerOptions = {}): {
  breaker: CircuitBreaker
  clock: ManualClock
} {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker({ clock, timeoutDuration: 1_000, probeTimeout: 5_000, ...options })
  breaker.halfOpen()
  return { breaker, clock }
}
