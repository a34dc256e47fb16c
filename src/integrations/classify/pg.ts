// https://www.postgresql.org/docs/current/errcodes-appendix.html
const SQLSTATE = /^[0-9A-Z]{5}$/
/** Connection exceptions, insufficient resources, shutdown and start, system errors, internal errors. */
export const UNWELL_SQLSTATE: RegExp = /^((08|53|58|XX)[0-9A-Z]{3}|57P0[0-9A-Z])$/
export const QUERY_CANCELED = '57014'

/** A query is canceled by hand or by a time limit. The server says which, in its own language; this is the English one. */
export function classifyCanceled(message: string): 'failure' | 'ignored' {
  return /user request/.test(message) ? 'ignored' : 'failure'
}

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
  if (code === QUERY_CANCELED) return classifyCanceled(String(message))
  // A query with too few parameters is answered by a protocol error; a pooler means more by it.
  return UNWELL_SQLSTATE.test(code) && routine !== 'exec_bind_message' ? 'failure' : 'success'
}
