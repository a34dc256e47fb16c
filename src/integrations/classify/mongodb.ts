// Server error codes for network errors, shutdown, elections and time limits, from
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
const UNHEALTHY = new Set([
  6, 7, 24, 50, 64, 89, 91, 133, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const FROM_SERVER = /^Mongo(Server|BulkWrite|ClientBulkWrite)Error$/
// Errors of operations that the driver refuses without contacting a server.
const NOT_SENT =
  /^Mongo(API|InvalidArgument|Parse|Compatibility|MissingDependency|MissingCredentials|Transaction|ExpiredSession|CursorExhausted|CursorInUse|TailableCursor|BatchReExecution|NotConnected|ClientClosed)Error$/

/**
 * Classifies an error of the `mongodb` driver. Server errors are failures if they report shutdown, an election, a time
 * limit or overload. Any other server error, such as a duplicate key, is a success: the server is healthy. Errors of
 * the driver itself are failures, such as when it can select no server or the pool has no free connection. Operations
 * that the driver refuses without contacting a server are ignored.
 *
 * @returns the outcome, or `undefined` for an error that is not the driver's. The breaker then counts a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyMongoError } from 'recloser/classify'
 *
 * const database = new CircuitBreaker({ name: 'database', classifyError: classifyMongoError })
 * ```
 */
export function classifyMongoError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { name, code, errorLabels } = (error ?? {}) as {
    name?: unknown
    code?: unknown
    errorLabels?: unknown
  }
  if (typeof name !== 'string' || !name.startsWith('Mongo')) return undefined
  if (NOT_SENT.test(name)) return 'ignored'
  if (!FROM_SERVER.test(name)) return 'failure'
  if (Array.isArray(errorLabels) && errorLabels.includes('SystemOverloadedError')) return 'failure'
  return UNHEALTHY.has(code as number) ? 'failure' : 'success'
}
