/**
 * Circuit breakers for Hono.
 *
 * @module
 */

import type { Context, ErrorHandler, MiddlewareHandler, Next } from 'hono'
import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import {
  findCircuitBreakerError,
  isCircuitBreakerError,
  type CallTimeoutError,
  type CircuitBreakerError,
} from '../../base/errors.ts'
import { tooOld } from '../../base/peer.ts'
import { follow, type Caller } from '../../base/signal.ts'
import { positive, readOptions } from '../../base/validate.ts'
import { httpFields, UNAVAILABLE, unavailableHeaders, withHttpFields } from './http-error.ts'
import { SERVER_OPTIONS, type ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'
import { ServedCall } from './served-call.ts'
import { watchBody } from './watch-body.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { BreakerFor, ServerBreakers } from './server-breakers.ts'

/** The options of {@link honoBreakers}. */
export interface HonoBreakersOptions extends ServerBreakersOptions {
  /**
   * Milliseconds for which the body of a response may stay unread before the call is settled by its status alone.
   *
   * @default 5_000
   */
  readonly releaseAfter?: number | undefined
}

/** The return value of {@link honoBreakers}. Its functions do not need `this`, so they can be passed around freely. */
export interface HonoBreakers extends ServerBreakers {
  /**
   * Serves the dashboard, `./health` and, with a `register`, `./metrics`. Mount it with
   * `app.all('/ops/*', breakers.routes)`. `authorize` gets Hono's context as its `context`.
   */
  readonly routes: (context: Context) => Promise<Response>
  /**
   * Responds to a `CircuitBreakerError`, and to an error that wraps one, with 503 and `Retry-After`, and to any other
   * error as Hono does by default. Set it with `app.onError(breakers.errorHandler)`, or call it from your own error handler.
   */
  readonly errorHandler: ErrorHandler
  /**
   * Creates middleware that sends each request through a breaker to the handlers after it: the breaker with a name, a
   * given one, or the one that a function returns for a request.
   *
   * A status of 5xx is a failure, whether or not an error caused it, and so is a body that breaks off. A client that
   * disconnects is ignored. A streamed response settles the call at its end.
   *
   * When the circuit rejects a request, the error handler gets the `CircuitBreakerError`; without one, Hono responds
   * with 503 and `Retry-After`. When there is no response within `callTimeout`, it gets the `CallTimeoutError`; without
   * one, Hono responds with 504.
   *
   * @throws {TypeError | RangeError} when the argument or an option of the breaker is invalid.
   */
  readonly protect: (target: BreakerFor<Context>) => MiddlewareHandler
}

/**
 * Creates circuit breakers for a Hono 4 app, on any runtime: a dashboard to mount, an error handler, and middleware
 * that protects routes. With Hono 3 each request that reaches them fails with a `TypeError`.
 *
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { honoBreakers } from 'recloser/hono'
 *
 * const breakers = honoBreakers({ breaker: { failMax: 3, callTimeout: 5_000 } })
 * const app = new Hono()
 * app.all('/ops/*', breakers.routes) // dashboard, /ops/health
 * app.onError(breakers.errorHandler)
 * app.get('/prices', breakers.protect('prices'), (c) => c.json({ price: 12 }))
 *
 * breakers.registry.get('prices').open({ for: 4_500 })
 * const response = await app.request('/prices')
 * console.log(response.status, response.headers.get('retry-after')) // 503 5
 * ```
 */
export function honoBreakers(options: HonoBreakersOptions = {}): HonoBreakers {
  const label = 'honoBreakers options'
  const checks = { ...SERVER_OPTIONS, releaseAfter: positive }
  const { releaseAfter = 5_000, ...rest } = readOptions<HonoBreakersOptions>(options, checks, label)
  const operations = new Operations(rest, label)
  const { classifyStatus } = operations.settings
  const breakersByContext = new WeakMap<Context, Set<CircuitBreaker>>()
  let isVersionChecked = false

  function checkVersion(c: Context): void {
    if (!isVersionChecked && isHono3Context(c))
      throw tooOld('hono', 'Hono 4', 'Hono 3 or older', 'hono@latest')
    isVersionChecked = true
  }

  /**
   * Admits a request to a breaker. Returns `undefined` if the request already has a call through it, because the
   * breaker is also mounted further out.
   */
  function admit(c: Context, breaker: CircuitBreaker): ServedCall | undefined {
    const breakers = breakersByContext.get(c) ?? new Set()
    if (breakers.has(breaker)) return undefined
    try {
      const served = new ServedCall(breaker, classifyStatus)
      breakersByContext.set(c, breakers.add(breaker))
      return served
    } catch (error) {
      throw isCircuitBreakerError(error) ? withResponse(error, UNAVAILABLE) : error
    }
  }

  function settleAtEnd(c: Context, served: ServedCall): void {
    served.call.stopTimeout()
    if (served.call.settled) return
    const { res, error } = c
    const { body, status } = res
    const complete = (): void => served.complete(status, () => res.headers, res)
    served.error = error
    const isComplete = body === null || body.locked || c.req.raw.method === 'HEAD'
    if (isComplete || served.outcomeOf(status) !== 'success') return complete()
    c.res = undefined // otherwise Hono copies the old headers onto the new response
    c.res = new Response(watchBody(body, served, complete, releaseAfter), res)
  }

  return {
    ...operations.common(),
    async routes(c) {
      checkVersion(c)
      return operations.fetch(c.req.raw, c)
    },
    errorHandler(error, c) {
      const rejection = findCircuitBreakerError(error)
      if (rejection) return unavailableResponse(rejection)
      if ('getResponse' in error) {
        const response = error.getResponse()
        return c.newResponse(response.body, response)
      }
      console.error(error)
      return c.text('Internal Server Error', 500)
    },
    protect(target) {
      const find = operations.finder(target)
      return async (c, next) => {
        checkVersion(c)
        const served = admit(c, find(c))
        if (!served) return next()
        ignoreOnAbort(c.req.raw.signal, served.call)
        await withTimeout(served.call, next)
        settleAtEnd(c, served)
      }
    },
  }
}

/**
 * Whether `c` is a context of Hono 3, which has `jsonT` or `pretty` (users may add these, too) and lacks `setLayout`.
 */
function isHono3Context(c: object): boolean {
  return ('jsonT' in c || 'pretty' in c) && !('setLayout' in c)
}

/** Ignores the call as soon as the client disconnects, whatever the handler does afterwards. */
function ignoreOnAbort(signal: AbortSignal, call: SupervisedCall): void {
  let client: Caller | undefined
  try {
    client = follow(signal)
  } catch {
    return // not a request of the runtime: nothing tells when its client disconnects
  }
  if (!client) return
  client.onAbort = () => call.ignore()
  call.onSettled(() => client.leave())
  if (client.aborted) call.ignore()
}

/** Runs the rest of the chain, and rejects if it takes longer than `callTimeout`. */
function withTimeout(call: SupervisedCall, next: Next): Promise<void> {
  return new Promise((resolve, reject) => {
    call.startTimeout((error) => reject(withResponse(error, TIMED_OUT)))
    call.within(next).then(resolve, (error: unknown) => {
      // Hono handles each `Error` itself. Any other thrown value propagates to the server.
      call.fail(error)
      reject(error)
    })
  })
}

const TIMED_OUT = {
  statusCode: 504,
  code: 'CALL_TIMEOUT',
  error: 'Gateway Timeout',
  message: 'It took too long to answer',
}

/** Adds to the error what Hono needs to respond to it by default, and returns it. */
function withResponse<E extends CircuitBreakerError | CallTimeoutError>(error: E, body: object): E {
  const fields = httpFields(error)
  const getResponse = (): Response => Response.json(body, fields)
  return Object.defineProperty(withHttpFields(error, fields), 'getResponse', { value: getResponse })
}

function unavailableResponse(error: CircuitBreakerError): Response {
  return Response.json(UNAVAILABLE, { status: 503, headers: unavailableHeaders(error) })
}
