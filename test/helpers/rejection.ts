import assert from 'node:assert/strict'
import { CircuitBreakerError, type CircuitBreaker } from '../../src/index.ts'

/** Returns the error with which the breaker rejects a call. */
export function rejectionOf(breaker: CircuitBreaker): CircuitBreakerError {
  try {
    breaker.acquire()
  } catch (error) {
    assert.ok(error instanceof CircuitBreakerError)
    return error
  }
  return assert.fail('was admitted')
}
