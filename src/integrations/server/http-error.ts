import { CallTimeoutError, type CircuitBreakerError } from '../../base/errors.ts'

/** The properties that frameworks read from an error that no error handler handles. */
export interface HttpFields {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** The body of the response to a rejected request. It omits the name of the breaker, which is an internal detail. */
export const UNAVAILABLE: Readonly<Record<string, unknown>> = {
  statusCode: 503,
  code: 'CIRCUIT_OPEN',
  error: 'Service Unavailable',
  message: 'Temporarily unavailable, try again later',
}

/**
 * Returns the headers of that response: `Retry-After` in whole seconds, rounded up; none while the circuit is isolated.
 */
export function unavailableHeaders({ retryAfter }: CircuitBreakerError): Record<string, string> {
  return Number.isFinite(retryAfter) ? { 'retry-after': String(Math.ceil(retryAfter / 1_000)) } : {}
}

/**
 * Adds `fields` to the error and returns it. The default error handling of a framework then responds with that status.
 */
export function withHttpFields<E>(error: E, fields: HttpFields): E {
  const { status, headers } = fields
  return Object.defineProperties(error, {
    status: { value: status, configurable: true },
    statusCode: { value: status, configurable: true },
    headers: { value: headers, configurable: true },
  })
}

/** Returns 503 for a rejection, and 504 for a call that timed out. */
export function httpFields(error: CircuitBreakerError | CallTimeoutError): HttpFields {
  return error instanceof CallTimeoutError
    ? { status: 504, headers: {} }
    : { status: 503, headers: unavailableHeaders(error) }
}
