// https://www.prisma.io/docs/orm/reference/error-reference. P1…: the database cannot be used. Of those of a query:
// no connection free in time, too many connections; of Accelerate: too many requests, time-out, cannot connect.
const UNWELL = /^(P1\d{3}|P2024|P2037|P5011|P6000|P6004|P6008)$/

/**
 * What an error of Prisma says, by its code: a database that cannot be reached or used (P1…), no free connection
 * (P2024, P2037) and a panic are failures; any other code of a query, such as P2002 for a unique constraint, is the
 * answer of a database that is well. A query that does not validate is never sent and is ignored.
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
  const given = (error ?? {}) as { name?: unknown; code?: unknown; errorCode?: unknown }
  const { name, code = given.errorCode } = given
  if (typeof name !== 'string' || !name.startsWith('PrismaClient')) return undefined
  if (name === 'PrismaClientValidationError') return 'ignored'
  if (name === 'PrismaClientRustPanicError' || name === 'PrismaClientInitializationError') return 'failure'
  if (typeof code !== 'string') return undefined
  return UNWELL.test(code) ? 'failure' : 'success'
}
