/**
 * Classifies the status of an HTTP response. 5xx, 429 (the server is overloaded or limits your rate) and 408 (it timed
 * out waiting for the request) are failures. Any other status is a success, including other client errors: the server
 * is healthy.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { classifyHttpStatus } from 'recloser/classify'
 *
 * const breaker = new CircuitBreaker({
 *   classifyResult: (response) => (response instanceof Response ? classifyHttpStatus(response.status) : undefined),
 * })
 * await breaker.call(() => new Response('gone', { status: 404 }))
 * console.log(breaker.failCounter) // 0
 * await breaker.call(() => new Response('busy', { status: 503 }))
 * console.log(breaker.failCounter) // 1
 * ```
 */
export function classifyHttpStatus(status: number): 'success' | 'failure' {
  return status >= 500 || status === 429 || status === 408 ? 'failure' : 'success'
}

/** The error of a response with a failing status. Listeners get it, and it is the `cause` of later rejections. */
export class HttpStatusError extends Error {
  declare readonly name: 'HttpStatusError'
  /** The status of the response. */
  readonly status: number
  /** The response headers, in the client's own form. `honorRetryAfter` reads them. */
  readonly headers: unknown

  constructor(status: number, headers: unknown) {
    super(`The server answered with status ${status}`)
    this.status = status
    this.headers = headers
  }

  static {
    Object.defineProperty(this.prototype, 'name', {
      value: 'HttpStatusError',
      configurable: true,
      writable: true,
    })
  }
}
