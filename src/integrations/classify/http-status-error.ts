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
