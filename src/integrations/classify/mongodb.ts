// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml: network, shutdown, elections, time limits.
const UNWELL = new Set([
  6, 7, 24, 50, 64, 89, 91, 133, 134, 189, 262, 9001, 10058, 10107, 11600, 11602, 13435, 13436,
])
const FROM_SERVER = /^Mongo(Server|BulkWrite|ClientBulkWrite)Error$/
// The driver refuses these by itself, without asking a server.
const OURS =
  /^Mongo(API|InvalidArgument|Parse|Compatibility|MissingDependency|MissingCredentials|Transaction|ExpiredSession|CursorExhausted|CursorInUse|TailableCursor|BatchReExecution|NotConnected|ClientClosed)Error$/

/**
 * What an error of the `mongodb` driver says: the codes for shutdown, elections and time limits are failures, and so is a
 * server that says it is overloaded, and every error of the driver's own, such as a server that cannot be selected or a
 * pool without a free connection. Any other answer of a server, such as a duplicate key, shows that it is well. What the
 * driver refuses without asking a server is ignored.
 *
 * @returns `undefined` for an error that is not the driver's, which then is a failure, as without a classifier.
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
  if (OURS.test(name)) return 'ignored'
  if (!FROM_SERVER.test(name)) return 'failure'
  if (Array.isArray(errorLabels) && errorLabels.includes('SystemOverloadedError')) return 'failure'
  return UNWELL.has(code as number) ? 'failure' : 'success'
}
