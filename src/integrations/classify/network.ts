// This machine has run out of something, which says nothing about the one it wanted to call; or nothing was ever sent.
const OURS = new Set([
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

// Of `connect`, `getaddrinfo`, TLS, the HTTP parsers and undici.
const THEIRS =
  /^(ECONN|ETIMEDOUT$|EHOST|ENET|EPIPE$|EPROTO$|ENOTFOUND$|EAI_|ESOCKETTIMEDOUT$|ERR_(TLS|SSL|HTTP2)_|CERT_|HPE_|UND_ERR_(CONNECT_TIMEOUT|HEADERS_TIMEOUT|BODY_TIMEOUT|SOCKET|PRX_TLS|RES_CONTENT_LENGTH_MISMATCH|HEADERS_OVERFLOW|RES_EXCEEDED_MAX_SIZE)$)/

/**
 * What an error of Node's network modules, of undici or of `fetch` says, by its `code` or that of its `cause`: refused,
 * reset and timed out connections, names that cannot be found, TLS and protocol errors are failures. Where this machine
 * has run out of sockets or memory, or the request was never a valid one, it is ignored.
 *
 * An abort has no answer here, since code that aborts its own slow request would blind the breaker: use
 * `breaker.run` with the caller's signal, or `exclude: [isAbortError]`.
 *
 * @returns `undefined` for any other error, which then is a failure, as without a classifier.
 *
 * @example
 * ```ts
 * import { connect } from 'node:net'
 * import { once } from 'node:events'
 * import { CircuitBreaker } from 'recloser'
 * import { classifyNetworkError } from 'recloser/classify'
 *
 * const breaker = new CircuitBreaker({ classifyError: classifyNetworkError })
 * await breaker.call(() => once(connect(1, '127.0.0.1'), 'connect')).catch((error) => console.log(error.code)) // ECONNREFUSED
 * console.log(breaker.failCounter) // 1
 * ```
 */
export function classifyNetworkError(error: unknown): 'failure' | 'ignored' | undefined {
  // A cause may be its own cause.
  for (let depth = 0, each = error; depth < 4 && typeof each === 'object' && each !== null; depth++) {
    const { code, cause } = each as { code?: unknown; cause?: unknown }
    if (typeof code === 'string') {
      if (OURS.has(code)) return 'ignored'
      if (THEIRS.test(code)) return 'failure'
    }
    each = cause
  }
  return undefined
}
