import { classifyStatusCode } from './grpc.ts'

/**
 * Classifies a `ConnectError` of `@connectrpc/connect` by its code. `unknown`, `deadline_exceeded`,
 * `resource_exhausted`, `internal`, `unavailable` and `data_loss` are failures. `canceled` is ignored. Any other code,
 * such as `not_found`, is a success: the service is healthy.
 *
 * @returns the outcome, or `undefined` for an error that is not Connect's. The breaker then counts a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyConnectError } from 'recloser/classify'
 *
 * const users = new CircuitBreaker({ name: 'users', classifyError: classifyConnectError })
 * ```
 */
export function classifyConnectError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { name, code, rawMessage } = (error ?? {}) as { name?: unknown; code?: unknown; rawMessage?: unknown }
  if (typeof code !== 'number' || (name !== 'ConnectError' && typeof rawMessage !== 'string'))
    return undefined
  // Connect uses the codes of gRPC: https://connectrpc.com/docs/protocol#error-codes
  return classifyStatusCode(code)
}
