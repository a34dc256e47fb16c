// These say nothing about the remote host: this machine lacks a resource, or the request was never sent.
const LOCAL = new Set([
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EADDRNOTAVAIL',
  'ERR_INVALID_URL',
  'ERR_INVALID_ARG_TYPE',
  'ERR_INVALID_ARG_VALUE',
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])

// Codes of `connect`, `getaddrinfo`, TLS, the HTTP parsers and undici.
const REMOTE =
  /^(ECONN|ETIMEDOUT$|EHOST|ENET|EPIPE$|EPROTO$|ENOTFOUND$|EAI_|ESOCKETTIMEDOUT$|ERR_(TLS|SSL|HTTP2)_|CERT_|HPE_|UND_ERR_(CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|SOCKET|PRX_TLS|RES_CONTENT_LENGTH_MISMATCH|HEADERS_OVERFLOW|RES_EXCEEDED_MAX_SIZE)$)/

/**
 * Classifies an error of Node's network modules, of undici or of `fetch` by its `code` or that of its `cause`. Refused,
 * reset and timed-out connections, failed name lookups, TLS errors and protocol errors are failures. The error is
 * ignored if this machine has run out of sockets or memory, or if the request was invalid or its client closed.
 *
 * Aborts are not classified: if they were ignored, code that aborts its own slow requests would hide a slow dependency
 * from the breaker. Use `breaker.run` with the caller's signal, or `exclude: [isAbortError]`.
 *
 * @returns the outcome, or `undefined` for any other error. The breaker then counts a failure.
 *
 * @example
 * ```ts
 * import { connect } from 'node:net'
 * import { once } from 'node:events'
 * import { CircuitBreaker } from 'recloser'
 * import { classifyNetworkError } from 'recloser/classify'
 *
 * const breaker = new CircuitBreaker({ classifyError: classifyNetworkError, callTimeout: 2_000 })
 * await breaker.call(() => once(connect(1, '127.0.0.1'), 'connect')).catch((error) => console.log(error.code)) // ECONNREFUSED
 * console.log(breaker.failCounter) // 1
 * ```
 */
export function classifyNetworkError(error: unknown): 'failure' | 'ignored' | undefined {
  // The depth is limited because a chain of causes may be circular.
  for (let depth = 0, each = error; depth < 4 && typeof each === 'object' && each !== null; depth++) {
    const { code, cause } = each as { code?: unknown; cause?: unknown }
    if (typeof code === 'string') {
      if (LOCAL.has(code)) return 'ignored'
      if (REMOTE.test(code)) return 'failure'
    }
    each = cause
  }
  return undefined
}
