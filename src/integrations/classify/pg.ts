// https://www.postgresql.org/docs/current/errcodes-appendix.html
const SQLSTATE = /^[0-9A-Z]{5}$/
// Connection exceptions, insufficient resources, shutdown and start, system errors, internal errors.
const UNWELL = /^(08|53|58|XX|57P0)/
const QUERY_CANCELED = '57014'

/**
 * What an error of `pg` says, by its SQLSTATE: lost connections (08), insufficient resources such as too many
 * connections (53), shutdown and start (57P0x), system (58) and internal (XX) errors, and a statement that timed out
 * are failures. A statement cancelled by hand is ignored. Any other, such as a violated constraint, a deadlock or a
 * syntax error, is the answer of a database that is well.
 *
 * @returns `undefined` for an error without a SQLSTATE, such as `ECONNREFUSED`, which then is a failure.
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
  // Node's codes can look like a SQLSTATE: EPIPE.
  if (typeof code !== 'string' || !SQLSTATE.test(code) || typeof severity !== 'string') return undefined
  // The server says in its own language which of the two it was; "user" is what it says in English.
  if (code === QUERY_CANCELED) return /user request/.test(String(message)) ? 'ignored' : 'failure'
  // A query with too few parameters is answered by a protocol error; a pooler means more by it.
  return UNWELL.test(code) && routine !== 'exec_bind_message' ? 'failure' : 'success'
}
