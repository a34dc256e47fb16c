/**
 * A circuit breaker per origin for undici 7 and 8.
 *
 * @module
 */

import { isObject } from '../../base/validate.ts'
import { HttpCall } from './http-call.ts'
import { originOf, readHttpOptions, type HttpBreakerOptions, type WithRegistry } from './options.ts'
import { GuardedHandler } from './undici-handler.ts'
import { modern, named, refusesHandler, type Handler } from './undici-hooks.ts'

export type { HttpBreakerOptions, WithRegistry } from './options.ts'

/** What `key` is shown of a request: what undici dispatches. */
export interface UndiciRequest {
  readonly origin?: string | URL | undefined
  readonly path: string
  readonly method: string
  readonly headers?: unknown
}

/** The options of {@link breakerInterceptor}. */
export interface BreakerInterceptorOptions extends HttpBreakerOptions<UndiciRequest> {}

/** An interceptor for `dispatcher.compose`, of undici 7 and 8 alike. */
export type BreakerInterceptor = (<D extends (options: never, handler: never) => boolean>(dispatch: D) => D) &
  WithRegistry

interface Options extends UndiciRequest {
  /** Not of `dispatch`, but what is above it hands it down. It may also be an `EventEmitter`. */
  readonly signal?: AbortSignal | null
  readonly body?: unknown
}

let clients = 0

/**
 * An interceptor that puts a circuit breaker per origin before a dispatcher. With an open circuit a request fails with a
 * `CircuitBreakerError`; all else is as before.
 *
 * A call is a failure if the network fails or times out, if the status is 5xx, 429 or 408, or if the body breaks off;
 * else it is a success when the body ends, or is left unread for `releaseAfter`. A request that its caller aborts is
 * ignored, unless the reason is the `TimeoutError` of `AbortSignal.timeout`; so is one that undici refuses to send. An
 * upgrade and a tunnel are judged by their status.
 *
 * Of the interceptors of one `compose` the last is the outermost: `compose(breakerInterceptor(), interceptors.retry())`
 * counts every attempt, the other order only what comes of all of them.
 *
 * @returns the interceptor, whose `registry` has the breakers.
 * @throws {TypeError | RangeError} for a bad option. With a dispatcher of undici 6 the first request fails with a
 *   `TypeError`.
 *
 * @example
 * ```ts
 * import { Agent, request } from 'undici'
 * import { isCircuitBreakerError } from 'recloser'
 * import { breakerInterceptor } from 'recloser/undici'
 *
 * const dispatcher = new Agent().compose(breakerInterceptor({ breaker: { failMax: 1 } }))
 * await request('http://127.0.0.1:1', { dispatcher }).catch((error) => console.log(error.code)) // ECONNREFUSED
 * await request('http://127.0.0.1:1', { dispatcher }).catch((error) => console.log(isCircuitBreakerError(error))) // true
 * await dispatcher.close()
 * ```
 */
export function breakerInterceptor(options: BreakerInterceptorOptions = {}): BreakerInterceptor {
  const settings = readHttpOptions(options, 'breakerInterceptor options')
  const { registry } = settings

  function interceptor(dispatch: (options: Options, handler: Handler) => boolean) {
    // A client or pool of undici 7 knows its origin by itself and does not tell.
    const unknownOrigin = `client-${++clients}`

    return function guarded(request: Options, given: Handler): boolean {
      if (!isObject(request) || !isObject(given)) return dispatch(request, given)
      const legacy = typeof (given as Handler).onRequestStart !== 'function'
      const handler = legacy ? modern(given) : (given as Handler)
      // Those who use the old hooks know nothing of HTTP/2.
      const options: Options = legacy ? Object.assign({}, request, { allowH2: false }) : request
      let http: HttpCall | undefined
      try {
        http = begin(request, unknownOrigin)
      } catch (error) {
        if (!handler.onResponseError) throw error
        handler.onResponseError(null, error)
        return true // false would mean: wait for `drain`
      }
      if (!http) return dispatch(options, handler)
      try {
        return dispatch(options, new GuardedHandler(handler, http, request.body))
      } catch (error) {
        if (refusesHandler(error)) http.call.ignore()
        throw http.fail(named(error))
      }
    }
  }

  /** `undefined`: the request is not guarded. */
  function begin(request: Options, unknownOrigin: string): HttpCall | undefined {
    const { origin, signal } = request
    if (signal?.aborted) return undefined
    const breaker = settings.breakerFor(request, () => (origin ? originOf(origin) : unknownOrigin))
    const heard = typeof signal?.addEventListener === 'function' ? signal : undefined
    return breaker && new HttpCall(settings, breaker, heard)
  }

  return Object.assign(interceptor, { registry }) as unknown as BreakerInterceptor
}
