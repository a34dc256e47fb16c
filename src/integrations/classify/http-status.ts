/**
 * What the status of an HTTP response says about the server: 5xx, 429 (it is overloaded, or you are too fast for it)
 * and 408 (it gave up waiting) are failures. Any other answer shows that it is well, an error of yours included.
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

/** What a response with a failing status counts as: the `cause` of later rejections, and the error that listeners get. */
export class HttpStatusError extends Error {
  declare readonly name: 'HttpStatusError'
  readonly status: number
  /** As the client has them; `honorRetryAfter` reads them. */
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
