import assert from 'node:assert/strict'
import { CircuitBreakerError, type CircuitBreaker } from '../../src/index.ts'

/** The error of a call that the breaker does not admit. */
export function rejectionOf(breaker: CircuitBreaker): CircuitBreakerError {
  try {
    breaker.acquire()
  } catch (error) {
    assert.ok(error instanceof CircuitBreakerError)
    return error
  }
  return assert.fail('was admitted')
}
