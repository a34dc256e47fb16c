/** The first word of the error replies of a server that is unwell. */
export const UNWELL: RegExp =
  /^(LOADING|BUSY|CLUSTERDOWN|MASTERDOWN|READONLY|TRYAGAIN|OOM|NOREPLICAS|MISCONF|UNKILLABLE|ERR max number of clients)\b/

// The classes of `redis`, which give their errors no name.
const REPLY = /^(Simple|Blob)Error$|^(Multi)?ErrorReply$/

/**
 * What an error of `ioredis`, `iovalkey` or `redis` says: a server that loads its data, is
 * busy with a script, out of memory, read-only, without its primary or full is a failure, and so is a command that used
 * up its retries. Any other error reply, such as WRONGTYPE, is the answer of a server that is well.
 *
 * @returns `undefined` for any other error, such as a closed connection, which then is a failure.
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
  return UNWELL.test(message) ? 'failure' : 'success'
}
