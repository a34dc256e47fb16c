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

/** The request as `key` receives it: the options that undici dispatches. */
export interface UndiciRequest {
  /** The origin. A client or pool of undici 7 leaves it out, as it has only one. */
  readonly origin?: string | URL | undefined
  /** The path, including the query. */
  readonly path: string
  /** The method, as the caller passed it. */
  readonly method: string
  /** The headers, in any form that undici accepts. */
  readonly headers?: unknown
}

/** The options of {@link breakerInterceptor}. */
export interface BreakerInterceptorOptions extends HttpBreakerOptions<UndiciRequest> {}

/** An interceptor for `dispatcher.compose` of undici 7 and 8. */
export type BreakerInterceptor = (<D extends (options: never, handler: never) => boolean>(dispatch: D) => D) &
  WithRegistry

interface Options extends UndiciRequest {
  /** Not an option of `dispatch`, but `request` and the like pass it through. It may also be an `EventEmitter`. */
  readonly signal?: AbortSignal | null
  readonly body?: unknown
}

let clients = 0

/**
 * Returns an interceptor that guards each origin with a circuit breaker. Requests to an origin whose circuit is open
 * fail with a `CircuitBreakerError`. Everything else stays the same.
 *
 * A call is a failure if the network fails or times out, the status is 5xx, 429 or 408, or the body breaks off.
 * Otherwise it is a success when the body ends, is destroyed by its reader, or stays unread for `releaseAfter`. If the
 * caller aborts, the call is ignored, or a failure if the reason is the `TimeoutError` of `AbortSignal.timeout`. A
 * request that undici refuses to send is ignored too. Upgrades and tunnels are settled by their status.
 *
 * In one `compose`, the last interceptor is the outermost. `compose(breakerInterceptor(), interceptors.retry())` counts
 * every attempt; the reverse order counts only the final result.
 *
 * With a dispatcher of undici 6, requests fail with a `TypeError`.
 *
 * @returns the interceptor, with its breakers in `registry`.
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import { Agent, request } from 'undici'
 * import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
 * import { breakerInterceptor } from 'recloser/undici'
 *
 * const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000 }))
 * const breaker = breakerInterceptor({ breaker: { failMax: 1, callTimeout: 2_000, timeoutDuration } })
 * const dispatcher = new Agent().compose(breaker)
 * await request('http://127.0.0.1:1', { dispatcher }).catch((error) => console.log(error.code)) // ECONNREFUSED
 * await request('http://127.0.0.1:1', { dispatcher }).catch((error) => console.log(isCircuitBreakerError(error))) // true
 * await dispatcher.close()
 * ```
 */
export function breakerInterceptor(options: BreakerInterceptorOptions = {}): BreakerInterceptor {
  const settings = readHttpOptions(options, 'breakerInterceptor options')
  const { registry } = settings

  function interceptor(dispatch: (options: Options, handler: Handler) => boolean) {
    // A client or pool of undici 7 has one origin, which it does not pass to interceptors.
    const unknownOrigin = `client-${++clients}`

    return function guarded(request: Options, given: Handler): boolean {
      if (!isObject(request) || !isObject(given)) return dispatch(request, given)
      const legacy = typeof (given as Handler).onRequestStart !== 'function'
      const handler = legacy ? modern(given) : (given as Handler)
      // A handler with the old hooks does not support HTTP/2.
      const options: Options = legacy ? Object.assign({}, request, { allowH2: false }) : request
      let http: HttpCall | undefined
      try {
        http = admit(request, unknownOrigin)
      } catch (error) {
        if (!handler.onResponseError) throw error
        handler.onResponseError(null, error)
        return true // `false` would make the caller wait for `drain`
      }
      if (!http) return dispatch(options, handler)
      const { call } = http
      try {
        const guardedHandler = new GuardedHandler(handler, http, request.body)
        return call.within(() => dispatch(options, guardedHandler))
      } catch (error) {
        if (refusesHandler(error)) call.ignore()
        throw http.fail(named(error))
      }
    }
  }

  /**
   * Acquires a permit for a request. Returns `undefined` if the request is unguarded.
   *
   * @throws {CircuitBreakerError} when the circuit rejects the request.
   */
  function admit(request: Options, unknownOrigin: string): HttpCall | undefined {
    const { origin, signal } = request
    if (signal?.aborted) return undefined
    const breaker = settings.breakerFor(request, () => (origin ? originOf(origin) : unknownOrigin))
    const abortSignal = typeof signal?.addEventListener === 'function' ? signal : undefined
    return breaker && new HttpCall(settings, breaker, abortSignal)
  }

  return Object.assign(interceptor, { registry }) as unknown as BreakerInterceptor
}
