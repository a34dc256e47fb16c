/** How the error replies of an unhealthy server begin. */
export const UNHEALTHY: RegExp =
  /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|OOM|NOREPLICAS|MISCONF|UNKILLABLE|ERR max number of clients)\b/

// The error classes of the `redis` package, which do not set `name`.
const REPLY = /^(Simple|Blob)Error$|^(Multi)?ErrorReply$/

/**
 * Classifies an error of `ioredis`, `iovalkey` or `redis`. An error reply is a failure if the server is loading its
 * data, busy with a script, out of memory, read-only, without its primary, or at its limit of clients. So is a command
 * that has used up its retries. Any other error reply, such as WRONGTYPE, is a success: the server is healthy.
 *
 * @returns the outcome, or `undefined` for any other error, such as a closed connection. The breaker then counts a
 *   failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyRedisError } from 'recloser/classify'
 *
 * const cache = new CircuitBreaker({ name: 'cache', classifyError: classifyRedisError })
 * ```
 */
export function classifyRedisError(error: unknown): 'success' | 'failure' | undefined {
  const { name, message, constructor } = (error ?? {}) as {
    name?: unknown
    message?: unknown
    constructor?: { name?: unknown }
  }
  if (name === 'MaxRetriesPerRequestError' || name === 'ClusterAllFailedError') return 'failure'
  const isReply = name === 'ReplyError' || REPLY.test(String(constructor?.name))
  if (!isReply || typeof message !== 'string') return undefined
  return UNHEALTHY.test(message) ? 'failure' : 'success'
}
