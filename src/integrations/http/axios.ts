/**
 * A circuit breaker per origin for axios 1.
 *
 * @module
 */

import { tooOld } from '../../base/peer.ts'
import { checkFunction, isObject } from '../../base/validate.ts'
import { isWebStream, watchStream } from './body.ts'
import { HttpCall } from './http-call.ts'
import { originOf, readHttpOptions, type HttpBreakerOptions, type WithRegistry } from './options.ts'
import { isNodeStream, watchNodeStream } from './node-stream.ts'

export type { HttpBreakerOptions, WithRegistry } from './options.ts'

/** The options of {@link breakerAdapter}. `C` is the request config, which `key` receives. */
export interface BreakerAdapterOptions<C> extends HttpBreakerOptions<C> {}

/** The subset of axios' request config that this module uses. */
interface Config {
  readonly url?: string
  readonly baseURL?: string
  readonly allowAbsoluteUrls?: boolean
  readonly socketPath?: string | null
  readonly signal?: AbortSignal
  readonly cancelToken?: { readonly reason?: unknown }
  readonly validateStatus?: ((status: number) => boolean) | null
  readonly adapter?: unknown
  readonly headers?: unknown
}

interface AxiosResponse {
  readonly status: number
  readonly headers: unknown
  data: unknown
}

// Codes of requests that axios refuses to send. They say nothing about the server.
const NOT_SENT = new Set([
  'ERR_BAD_OPTION',
  'ERR_BAD_OPTION_VALUE',
  'ERR_BAD_REQUEST',
  'ERR_DEPRECATED',
  'ERR_FORM_DATA_DEPTH_EXCEEDED',
  'ERR_FR_MAX_BODY_LENGTH_EXCEEDED',
  'ERR_INVALID_URL',
  'ERR_NOT_SUPPORT',
])

/**
 * Returns an axios adapter that guards each origin with a circuit breaker. Requests to an origin whose circuit is open
 * reject with a `CircuitBreakerError`. Everything else stays the same. Interceptors run outside the adapter, so each
 * attempt of a retrying interceptor is a call of its own.
 *
 * A call is a failure if the network fails or times out, the status is 5xx, 429 or 408 (whatever `validateStatus`
 * says), or a streamed body breaks off. A cancelled request is ignored, or a failure if the reason is the
 * `TimeoutError` of `AbortSignal.timeout`. A request that axios refuses to send is ignored too.
 *
 * With axios 0, requests reject with a `TypeError`.
 *
 * @param adapter the adapter to guard, usually `axios.getAdapter(axios.defaults.adapter)`.
 * @returns the guarded adapter, with its breakers in `registry`.
 * @throws {TypeError} when `adapter` is not a function.
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import axios from 'axios'
 * import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
 * import { breakerAdapter } from 'recloser/axios'
 *
 * const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000 }))
 * const adapter = breakerAdapter(axios.getAdapter(axios.defaults.adapter), {
 *   breaker: { failMax: 1, callTimeout: 2_000, timeoutDuration },
 * })
 * const client = axios.create({ adapter, baseURL: 'http://127.0.0.1:1' })
 *
 * await client.get('/prices').catch((error) => console.log(error.code)) // ECONNREFUSED
 * await client.get('/prices').catch((error) => console.log(isCircuitBreakerError(error))) // true
 * ```
 */
export function breakerAdapter<A extends (config: never) => Promise<unknown>>(
  adapter: A,
  options: BreakerAdapterOptions<Parameters<A>[0]> = {},
): A & WithRegistry {
  checkFunction(adapter, 'adapter')
  const settings = readHttpOptions<Parameters<A>[0]>(options, 'breakerAdapter options')

  async function guarded(config: Config): Promise<unknown> {
    if (isAxios0Call(config, guarded)) throw tooOld('axios', 'axios 1', 'axios 0', 'axios@latest')
    const send = (given: object): Promise<unknown> => adapter(given as never)
    const signal = typeof config.signal?.addEventListener === 'function' ? config.signal : undefined
    if (signal?.aborted || config.cancelToken?.reason) return send(config)
    const breaker = settings.breakerFor(config as never, () => serverOf(config))
    if (!breaker) return send(config)

    const http = new HttpCall(settings, breaker, signal)
    try {
      const response = await http.call.send((limited) =>
        send(limited === signal ? config : { ...config, signal: limited }),
      )
      if (!isObject(response)) http.call.succeed(response)
      else settleByResponse(response as unknown as AxiosResponse, http)
      return response
    } catch (error) {
      settleByError(error, config, http)
      throw http.fail(error)
    }
  }

  return Object.assign(guarded, { registry: settings.registry }) as unknown as A & WithRegistry
}

/** Whether axios itself calls the adapter, but without the `AxiosHeaders` that it passes since version 1. */
function isAxios0Call({ adapter, headers }: Config, guarded: unknown): boolean {
  return adapter === guarded && isObject(headers) && typeof headers['set'] !== 'function'
}

function settleByResponse(response: AxiosResponse, http: HttpCall): void {
  const { status, headers, data } = response
  if (!http.answered(status, headers)) return
  if (isWebStream(data)) {
    let reads = 0
    response.data = watchStream(
      () => data,
      response,
      http,
      (change) => void (reads += change),
    )
    http.awaitBody(response, () => reads > 0)
  } else if (isNodeStream(data)) watchNodeStream(data, response, http)
  else http.call.succeed(response)
}

/**
 * Settles the call for an error that does not count as a plain failure: a cancellation, a status, or an invalid
 * request.
 */
function settleByError(error: unknown, config: Config, http: HttpCall): void {
  if (!isObject(error)) return
  const { code, response } = error
  if (error['__CANCEL__'] === true) http.call.abandon(config.signal?.aborted ? config.signal.reason : error)
  else if (isObject(response)) {
    const { status, headers } = response as unknown as AxiosResponse
    // If axios accepts the status, the error has another cause, such as a body that broke off.
    const isStatusError = typeof status === 'number' && config.validateStatus?.(status) === false
    if (isStatusError && http.answered(status, headers)) http.call.succeed(response)
  } else if (NOT_SENT.has(String(code))) http.call.ignore()
}

/** Returns the origin that axios sends the request to, or `unix:` and the path of a socket. */
function serverOf({ url = '', baseURL, allowAbsoluteUrls, socketPath }: Config): string | undefined {
  if (socketPath) return `unix:${socketPath}`
  const isAbsolute = /^([a-z][a-z\d+\-.]*:)?\/\//i.test(url) && allowAbsoluteUrls !== false
  return originOf(isAbsolute || !baseURL ? url : baseURL)
}
