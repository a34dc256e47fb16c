import type { CircuitBreaker } from '../../src/index.ts'

/** Makes calls that succeed, one after the other. */
export function succeed(breaker: CircuitBreaker, times = 1): void {
  for (let i = 0; i < times; i++) breaker.acquire().success()
}

/** Makes calls that fail, one after the other. */
export function fail(breaker: CircuitBreaker, times = 1): void {
  for (let i = 0; i < times; i++) breaker.acquire().failure(new Error('down'))
}
