import { classifyCanceled, QUERY_CANCELED, UNHEALTHY_SQLSTATE } from './pg.ts'

// Codes from https://www.prisma.io/docs/orm/reference/error-reference. P1xxx: the database cannot be used, except for
// P1016 and P1018, which are mistakes in a query and in a transaction. P2024: no free connection in time. P2037: too
// many connections. Of Accelerate: P5011, too many requests; P6000, server error; P6004, timeout; P6008, cannot
// connect.
const UNHEALTHY = /^(P1(?!016|018)\d{3}|P2024|P2037|P5011|P6000|P6004|P6008)$/
// A failed raw query, and errors that Prisma has no code for. The error of the database is in `meta`.
const DATABASE_ERROR = /^(P2010|P2039)$/
// The kinds of error by which driver adapters report an unusable database, whichever it is.
const UNREACHABLE =
  /^(DatabaseNotReachable|ConnectionClosed|SocketTimeout|TlsConnectionError|TooManyConnections|AuthenticationFailed|DatabaseDoesNotExist|DatabaseAccessDenied)$/

/**
 * Classifies an error of Prisma by its code. A database that cannot be reached or used (P1xxx), a lack of connections
 * (P2024, P2037), failures of Accelerate (P5011, P6000, P6004, P6008) and a panic are failures. Any other code of a
 * query, such as P2002 for a unique constraint, is a success: the database is healthy. A query that fails validation is
 * never sent, and is ignored.
 *
 * For a raw query (P2010) and an error that Prisma has no code for (P2039), the error of the database itself decides;
 * for PostgreSQL, as by `classifyPgError`.
 *
 * @returns the outcome, or `undefined` for an error that is not Prisma's or has no code. The breaker then counts a
 *   failure.
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
  return DATABASE_ERROR.test(code)
    ? classifyDatabaseError(given.meta ?? {})
    : UNHEALTHY.test(code)
      ? 'failure'
      : 'success'
}

/**
 * Where Prisma puts the error of the database: in `driverAdapterError` from Prisma 7 on and with any driver adapter,
 * otherwise in `code` and `message`.
 */
interface Meta {
  readonly driverAdapterError?: { readonly cause?: unknown } | null
  readonly code?: unknown
  readonly message?: unknown
}

/** Classifies the error that the database itself reported. */
function classifyDatabaseError({
  driverAdapterError,
  code,
  message,
}: Meta): 'success' | 'failure' | 'ignored' {
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
  // A query with too few parameters is a protocol error too, but of a healthy database.
  return isPostgres && UNHEALTHY_SQLSTATE.test(state) && !text.startsWith('bind message ')
    ? 'failure'
    : 'success'
}
