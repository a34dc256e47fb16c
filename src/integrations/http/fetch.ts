/**
 * A circuit breaker per origin around `fetch`.
 *
 * @module
 */

import { checkFunction, isObject } from '../../base/validate.ts'
import { watchResponse } from './body.ts'
import { HttpCall } from './http-call.ts'
import { originOf, readHttpOptions, type HttpBreakerOptions, type WithRegistry } from './options.ts'

export type { HttpBreakerOptions, WithRegistry } from './options.ts'

/** The request as `key` receives it. It is not a `Request`, because creating one would consume the body. */
export interface FetchRequest {
  /** The URL: absolute if it can be resolved, otherwise as the caller passed it. */
  readonly url: string
  /** The method, in upper case. */
  readonly method: string
  /** A copy of the request headers. */
  readonly headers: Headers
}

/** The options of {@link breakerFetch}. */
export interface BreakerFetchOptions extends HttpBreakerOptions<FetchRequest> {}

interface Init {
  readonly method?: string
  readonly headers?: HeadersInit
  readonly signal?: AbortSignal | null
}

/**
 * Returns a `fetch` that guards each origin with a circuit breaker. Requests to an origin whose circuit is open reject
 * with a `CircuitBreakerError`. Everything else stays the same: the request, the response and the errors. An error
 * status still resolves with the response.
 *
 * A call is a failure if the network fails, the status is 5xx, 429 or 408, or the body breaks off. Otherwise it is a
 * success when the body ends, is cancelled, or stays unread for `releaseAfter`. If the caller's signal aborts, the call
 * is ignored, or a failure if the reason is the `TimeoutError` of `AbortSignal.timeout`.
 *
 * @param fetch the `fetch` to guard, from any library. Its own properties, such as Bun's `preconnect`, are kept.
 * @returns the guarded `fetch`, with its breakers in `registry`.
 * @throws {TypeError} when `fetch` is not a function.
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
 * import { breakerFetch } from 'recloser/fetch'
 *
 * const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000 }))
 * const guarded = breakerFetch(fetch, { breaker: { failMax: 2, callTimeout: 2_000, timeoutDuration } })
 *
 * async function price() {
 *   try {
 *     const response = await guarded('http://127.0.0.1:1/price')
 *     return response.ok ? await response.text() : `HTTP ${response.status}`
 *   } catch (error) {
 *     return isCircuitBreakerError(error) ? 'not asked' : 'failed'
 *   }
 * }
 * console.log(await price()) // failed
 * console.log(await price()) // failed
 * console.log(await price()) // not asked
 * console.log(guarded.registry.get('http://127.0.0.1:1').state) // open
 * ```
 */
export function breakerFetch<F extends (...args: never[]) => Promise<{ readonly status: number }>>(
  fetch: F,
  options: BreakerFetchOptions = {},
): F & WithRegistry {
  checkFunction(fetch, 'fetch')
  const settings = readHttpOptions(options, 'breakerFetch options')

  async function guarded(...args: [input: unknown, init?: Init]): Promise<unknown> {
    const send = (given: unknown[]): Promise<unknown> =>
      Reflect.apply(fetch, undefined, given) as Promise<unknown>
    const [input, init] = args
    const signal = signalOf(input, init)
    if (signal?.aborted) return send(args)
    const breaker = settings.breakerFor(describe(input, init), () => originOf(urlOf(input)))
    if (!breaker) return send(args)

    const http = new HttpCall(settings, breaker, signal)
    try {
      const response = await http.call.send((limited) =>
        send(limited === signal ? args : [input, { ...init, signal: limited }]),
      )
      handleResponse(response, http)
      return response
    } catch (error) {
      throw http.fail(error)
    }
  }

  const { registry } = settings
  return Object.defineProperties(guarded, {
    ...configurablePropertiesOf(fetch),
    registry: { value: registry, enumerable: true },
  }) as unknown as F & WithRegistry
}

function handleResponse(response: unknown, http: HttpCall): void {
  if (!isObject(response)) return http.call.succeed(response)
  const { status, headers, type } = response as unknown as Response
  if (type === 'error') http.fail(new TypeError('The response is a network error'))
  else if (http.answered(status, headers)) watchResponse(response as unknown as Response, http)
  else http.call.keepSignal()
}

function isRequest(input: unknown): input is Request {
  return isObject(input) && typeof input['url'] === 'string'
}

/** Returns the signal that `fetch` itself would use: a `null` in `init` removes the signal of a `Request`. */
function signalOf(input: unknown, init: Init | undefined): AbortSignal | undefined {
  const signal = init?.signal === undefined && isRequest(input) ? input.signal : init?.signal
  return signal ?? undefined
}

function urlOf(input: unknown): string {
  return isRequest(input) ? input.url : String(input)
}

function describe(input: unknown, init: Init | undefined): FetchRequest {
  const request = isRequest(input) ? input : undefined
  return {
    get url() {
      const url = urlOf(input)
      const base = (globalThis as { location?: { href?: string } }).location?.href
      return URL.canParse(url, base) ? new URL(url, base).href : url
    },
    get method() {
      return (init?.method ?? request?.method ?? 'GET').toUpperCase()
    },
    get headers() {
      return new Headers(init?.headers ?? request?.headers)
    },
  }
}

/** Returns the configurable own properties of a function, including its name and length. */
function configurablePropertiesOf(fn: object): PropertyDescriptorMap {
  const all = Object.entries(Object.getOwnPropertyDescriptors(fn))
  return Object.fromEntries(all.filter(([, { configurable }]) => configurable))
}
