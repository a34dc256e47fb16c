// https://grpc.io/docs/guides/status-codes/
const CANCELLED = 1
// UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL, UNAVAILABLE, DATA_LOSS
const UNHEALTHY = new Set([2, 4, 8, 13, 14, 15])

/** Classifies the gRPC status code of an error, which is never OK (0). */
export function classifyStatusCode(code: number): 'success' | 'failure' | 'ignored' {
  if (code === CANCELLED) return 'ignored'
  return UNHEALTHY.has(code) ? 'failure' : 'success'
}

/**
 * Classifies an error of `@grpc/grpc-js` by its status code. UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL,
 * UNAVAILABLE and DATA_LOSS are failures. CANCELLED is ignored. Any other status, such as NOT_FOUND, is a success: the
 * service is healthy.
 *
 * @returns the outcome, or `undefined` for an error that is not gRPC's. The breaker then counts a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyGrpcError } from 'recloser/classify'
 *
 * const users = new CircuitBreaker({ name: 'users', classifyError: classifyGrpcError })
 * const notFound = Object.assign(new Error('5 NOT_FOUND: no such user'), { code: 5, details: 'no such user' })
 * await users.call(() => Promise.reject(notFound)).catch(() => {})
 * console.log(users.failCounter) // 0
 * ```
 */
export function classifyGrpcError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { code, details } = (error ?? {}) as { code?: unknown; details?: unknown }
  if (typeof code !== 'number' || typeof details !== 'string') return undefined
  return classifyStatusCode(code)
}
