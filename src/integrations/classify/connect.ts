import { classifyStatusCode } from './grpc.ts'

/**
 * What a `ConnectError` of `@connectrpc/connect` says, by its code: `unknown`, `deadline_exceeded`,
 * `resource_exhausted`, `internal`, `unavailable` and `data_loss` are failures; `canceled` is ignored; any other code,
 * such as `not_found`, is the answer of a service that is well.
 *
 * @returns `undefined` for an error that is not Connect's, which then is a failure, as without a classifier.
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
  // Its codes are gRPC's: https://connectrpc.com/docs/protocol#error-codes
  return classifyStatusCode(code)
}
