// https://www.postgresql.org/docs/current/errcodes-appendix.html
const SQLSTATE = /^[0-9A-Z]{5}$/
/**
 * SQLSTATEs of an unhealthy server: connection exceptions, insufficient resources, shutdown, system and internal
 * errors.
 */
export const UNHEALTHY_SQLSTATE: RegExp = /^((08|53|58|XX)[0-9A-Z]{3}|57P0[0-9A-Z])$/
/** The SQLSTATE of a query that was cancelled by a user or by a time limit. */
export const QUERY_CANCELED = '57014'

/**
 * Classifies a cancelled query: ignored if a user cancelled it, a failure if a time limit did. Only the message tells
 * them apart. It is localized, and this recognizes the English one.
 */
export function classifyCanceled(message: string): 'failure' | 'ignored' {
  return /user request/.test(message) ? 'ignored' : 'failure'
}

/**
 * Classifies an error of `pg` by its SQLSTATE. Lost connections (08), insufficient resources such as too many
 * connections (53), shutdown and startup (57P0x), system errors (58), internal errors (XX) and statements that time out
 * are failures. A statement that a user cancels is ignored. Any other error, such as a violated constraint, a deadlock
 * or a syntax error, is a success: the database is healthy.
 *
 * @returns the outcome, or `undefined` for an error without a SQLSTATE, such as `ECONNREFUSED`. The breaker then
 *   counts a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyPgError } from 'recloser/classify'
 *
 * const database = new CircuitBreaker({ name: 'database', classifyError: classifyPgError })
 * const duplicate = Object.assign(new Error('duplicate key value'), { code: '23505', severity: 'ERROR' })
 * await database.call(() => Promise.reject(duplicate)).catch(() => {})
 * console.log(database.failCounter) // 0
 * ```
 */
export function classifyPgError(error: unknown): 'success' | 'failure' | 'ignored' | undefined {
  const { code, severity, message, routine } = (error ?? {}) as {
    code?: unknown
    severity?: unknown
    message?: unknown
    routine?: unknown
  }
  // `severity` is checked because a code of Node's can look like a SQLSTATE: EPIPE.
  if (typeof code !== 'string' || !SQLSTATE.test(code) || typeof severity !== 'string') return undefined
  if (code === QUERY_CANCELED) return classifyCanceled(String(message))
  // 08P01 is a protocol violation. PostgreSQL also reports it, from this routine, for a query with too few parameters;
  // a pooler reports it for worse.
  return UNHEALTHY_SQLSTATE.test(code) && routine !== 'exec_bind_message' ? 'failure' : 'success'
}
