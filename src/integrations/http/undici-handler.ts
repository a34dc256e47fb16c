import { isObject } from '../../base/validate.ts'
import type { HttpCall } from './http-call.ts'
import { ofUndici6, refusesHandler, type Controller, type Handler } from './undici-hooks.ts'

/** Forwards the events of a request to another handler, and settles the call by them. */
export class GuardedHandler implements Handler {
  readonly #inner: Handler
  readonly #http: HttpCall
  readonly #requestBody: unknown
  #controller: Controller | undefined
  #response: { readonly statusCode: number; readonly headers: unknown } | undefined
  // The timeout error that the inner handler got before the request started.
  #timeout: unknown
  // Set when the dispatcher turns out to be too old for this handler.
  #refusal: TypeError | undefined

  constructor(inner: Handler, http: HttpCall, requestBody: unknown) {
    this.#inner = inner
    this.#http = http
    this.#requestBody = requestBody
    http.call.startTimeout((error) => this.#expire(error))
  }

  onRequestStart(controller: Controller, context: unknown): void {
    if (this.#timeout) return controller.abort(this.#timeout)
    this.#controller = controller
    this.#forward(() => this.#inner.onRequestStart?.(controller, context))
  }

  onRequestUpgrade(controller: Controller, status: number, headers: unknown, socket: unknown): void {
    if (this.#http.answered(status, headers)) this.#http.call.succeed({ statusCode: status, headers })
    return this.#forward(() => this.#inner.onRequestUpgrade?.(controller, status, headers, socket))
  }

  onResponseStarted(): void {
    return this.#forward(() => this.#inner.onResponseStarted?.())
  }

  onResponseStart(controller: Controller, status: number, headers: unknown, message?: string): void {
    // A 1xx response is not the final one.
    if (status >= 200 && this.#http.answered(status, headers)) {
      this.#response = { statusCode: status, headers }
      this.#http.awaitBody(this.#response, () => !controller.paused)
    }
    return this.#forward(() => this.#inner.onResponseStart?.(controller, status, headers, message))
  }

  onResponseData(controller: Controller, chunk: unknown): void {
    this.#http.call.alive()
    return this.#forward(() => this.#inner.onResponseData?.(controller, chunk))
  }

  onResponseEnd(controller: Controller, trailers: unknown): void {
    this.#http.call.succeed(this.#response)
    return this.#forward(() => this.#inner.onResponseEnd?.(controller, trailers))
  }

  onResponseError(controller: Controller | null, error: unknown): void {
    if (this.#timeout) return
    this.#settleByError(controller ?? this.#controller, error)
    this.#inner.onResponseError?.(controller, this.#http.fail(error))
  }

  /** The first hook that undici 6 calls, unless it rejects the handler outright. */
  onConnect(abort: (reason: unknown) => void): void {
    this.#refusal = ofUndici6()
    abort(this.#refusal)
  }

  /**
   * The last hook that undici 6 calls. The mock agents of undici 7 call it too, for example without a recorded
   * response.
   */
  onError(error: unknown): void {
    if (refusesHandler(error)) this.#refusal = ofUndici6()
    if (this.#refusal) this.#http.call.ignore()
    this.onResponseError(null, this.#refusal ?? error)
  }

  onBodySent(chunk: unknown): void {
    return this.#forward(() => this.#inner.onBodySent?.(chunk))
  }

  onRequestSent(): void {
    return this.#forward(() => this.#inner.onRequestSent?.())
  }

  /**
   * Calls a hook of the inner handler. If the hook throws, the call is ignored, because undici turns what it throws
   * into an error of the request.
   */
  #forward(hook: () => void): void {
    try {
      hook()
    } catch (error) {
      this.#http.call.ignore()
      throw error
    }
  }

  /** Settles the call for an error that does not count as a plain failure: an abort, a failed upload, or a status. */
  #settleByError(controller: Controller | undefined, error: unknown): void {
    if (this.#http.call.aborted) return
    const { statusCode, headers, code } = (isObject(error) ? error : {}) as Record<string, unknown>
    if (controller?.aborted) {
      // A reader that destroys the body early causes this code.
      if (this.#response && code === 'UND_ERR_ABORTED') this.#http.call.succeed(this.#response)
      else this.#http.call.abandon(controller.reason ?? error)
    } else if (isObject(this.#requestBody) && this.#requestBody['errored'] === error) {
      this.#http.call.ignore()
    } else if (typeof statusCode === 'number' && statusCode >= 400) {
      // Another interceptor has turned the status into an error.
      if (this.#http.answered(statusCode, headers)) this.#http.call.succeed({ statusCode, headers })
    }
  }

  #expire(error: unknown): void {
    if (this.#controller) return this.#controller.abort(error)
    this.#timeout = error
    this.#inner.onResponseError?.(null, this.#http.fail(error))
  }
}
