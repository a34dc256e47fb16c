import { classifyCanceled, QUERY_CANCELED, UNWELL_SQLSTATE } from './pg.ts'

// https://www.prisma.io/docs/orm/reference/error-reference. P1…: the database cannot be used, but for mistakes of a query
// and of a transaction. Of those of a query: no connection free in time, too many connections; of Accelerate: too many
// requests, time-out, cannot connect.
const UNWELL = /^(P1(?!016|018)\d{3}|P2024|P2037|P5011|P6000|P6004|P6008)$/
// A raw query, and whatever Prisma has no code for: what the database said is in `meta`.
const OF_DATABASE = /^(P2010|P2039)$/
// What driver adapters call it, for whichever database.
const UNREACHABLE =
  /^(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TlsConnectionError|TooManyConnections|AuthenticationFailed|DatabaseDoesNotExist|DatabaseAccessDenied)$/

/**
 * What an error of Prisma says, by its code: a database that cannot be reached or used (P1…), no free connection
 * (P2024, P2037) and a panic are failures; any other code of a query, such as P2002 for a unique constraint, is the
 * answer of a database that is well. Of a raw query, and of what Prisma has no code for (P2010, P2039), it is what the
 * database itself said that counts; for PostgreSQL as `classifyPgError` has it. A query that does not validate is never
 * sent and is ignored.
 *
 * @returns `undefined` for an error that is not Prisma's, or has no code, which then is a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyPrismaError } from 'recloser/classify'
 *
 * const database = new CircuitBreaker({ name: 'database', classifyError: classifyPrismaError })
 * ```
 */
export function classifyPrismaError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const given = (error ?? {}) as { name?: unknown; code?: unknown; errorCode?: unknown; meta?: Meta | null }
  const { name, code = given.errorCode } = given
  if (typeof name !== 'string' || !name.startsWith('PrismaClient')) return undefined
  if (name === 'PrismaClientValidationError') return 'ignored'
  if (name === 'PrismaClientRustPanicError' || name === 'PrismaClientInitializationError') return 'failure'
  if (typeof code !== 'string') return undefined
  return OF_DATABASE.test(code) ? ofDatabase(given.meta ?? {}) : UNWELL.test(code) ? 'failure' : 'success'
}

/** From Prisma 7 on, and with a driver adapter, it is within; before that, beside the message. */
interface Meta {
  readonly driverAdapterError?: { readonly cause?: unknown } | null
  readonly code?: unknown
  readonly message?: unknown
}

function ofDatabase({ driverAdapterError, code, message }: Meta): 'success' | 'failure' | 'ignored' {
  const cause = (driverAdapterError?.cause ?? {}) as {
    kind?: unknown
    originalCode?: unknown
    originalMessage?: unknown
  }
  const state = String(cause.originalCode ?? code)
  const text = String(cause.originalMessage ?? message)
  if (UNREACHABLE.test(String(cause.kind))) return 'failure'
  if (state === QUERY_CANCELED) return classifyCanceled(text)
  const isPostgres = cause.kind === undefined || cause.kind === 'postgres'
  // A query with too few parameters is answered by a protocol error.
  return isPostgres && UNWELL_SQLSTATE.test(state) && !text.startsWith('bind message ')
    ? 'failure'
    : 'success'
}
