import { CallTimeoutError, type CircuitBreakerError } from '../../base/errors.ts'

/** What frameworks look for in an error when nobody else handles it. */
export interface HttpFields {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/** The body for a client that meets an open circuit. It does not say whose: that is nobody's business out there. */
export const UNAVAILABLE: Readonly<Record<string, unknown>> = {
  statusCode: 503,
  code: 'CIRCUIT_OPEN',
  error: 'Service Unavailable',
  message: 'Temporarily unavailable, try again later',
}

/** The headers of that answer: `Retry-After` in whole seconds, rounded up, where it is known when. */
export function unavailableHeaders({ retryAfter }: CircuitBreakerError): Record<string, string> {
  return Number.isFinite(retryAfter) ? { 'retry-after': String(Math.ceil(retryAfter / 1_000)) } : {}
}

/**
 * The same error, such that a framework which nobody has told otherwise makes an answer of it: 503 of a rejection, 504
 * of a call that took too long.
 */
export function withHttpFields<E>(error: E, fields: HttpFields): E {
  const { status, headers } = fields
  return Object.defineProperties(error, {
    status: { value: status, configurable: true },
    statusCode: { value: status, configurable: true },
    headers: { value: headers, configurable: true },
  })
}

export function httpFields(error: CircuitBreakerError | CallTimeoutError): HttpFields {
  return error instanceof CallTimeoutError
    ? { status: 504, headers: {} }
    : { status: 503, headers: unavailableHeaders(error) }
}
