/**
 * Circuit breakers in Hono.
 *
 * @module
 */

import type { Context, ErrorHandler, MiddlewareHandler, Next } from 'hono'
import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { isCircuitBreakerError, type CallTimeoutError, type CircuitBreakerError } from '../../base/errors.ts'
import { tooOld } from '../../base/peer.ts'
import { check, isObject, positive } from '../../base/validate.ts'
import { httpFields, UNAVAILABLE, unavailableHeaders, withHttpFields } from './http-error.ts'
import type { ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'
import { ServedCall } from './served-call.ts'
import { watchBody } from './watch-body.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { BreakerFor, ServerBreakers } from './server-breakers.ts'

/** The options of {@link honoBreakers}. */
export interface HonoBreakersOptions extends ServerBreakersOptions {
  /**
   * Milliseconds for which a body may be left unread before the call is judged without it, by its status. Default 5,000.
   */
  readonly releaseAfter?: number | undefined
}

/** What {@link honoBreakers} returns. Its functions may be passed on by themselves. */
export interface HonoBreakers extends ServerBreakers {
  /**
   * Dashboard, `./health` and, with a `register`, `./metrics`: `app.all('/ops/*', breakers.routes)`. `authorize` is given
   * Hono's context.
   */
  readonly routes: (context: Context) => Promise<Response>
  /**
   * For `app.onError`: answers a `CircuitBreakerError` by 503 with `Retry-After`, and any other error as Hono does by itself.
   * Call it from an error handler of yours if you have one.
   */
  readonly errorHandler: ErrorHandler
  /**
   * Middleware: what comes after it goes through a breaker. An error that is answered by 5xx is a failure, as is such a
   * status and a body that breaks off; a client that leaves is ignored; a stream is judged at its end. If the circuit does
   * not let a request through, the error handler gets the `CircuitBreakerError`, and after `callTimeout` without a response
   * the `CallTimeoutError`; Hono itself answers them by 503 with `Retry-After`, and by 504.
   */
  readonly protect: (target: BreakerFor<Context>) => MiddlewareHandler
}

/**
 * Circuit breakers for Hono 4, on whatever runtime: a dashboard to mount, an error handler, and protection of routes.
 *
 * @throws {TypeError | RangeError} for a bad option. With Hono 3 the first request fails with a `TypeError`.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { honoBreakers } from 'recloser/hono'
 *
 * const breakers = honoBreakers({ breaker: { failMax: 3 } })
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
  const given: unknown = options
  check(isObject(given), 'honoBreakers options', 'an object', given)
  const { releaseAfter = 5_000, ...rest } = options
  positive(releaseAfter, 'releaseAfter')
  const operations = new Operations(rest, 'honoBreakers options')
  const { classifyStatus } = operations.settings
  const guarding = new WeakMap<Context, Set<CircuitBreaker>>()
  let known = false

  function checkVersion(c: Context): void {
    if (!known && isOfHono3(c)) throw tooOld('hono', 'Hono 4', 'Hono 3 or older', 'hono@latest')
    known = true
  }

  /** Takes a place for a request; `undefined` if it has one already, since the breaker is also mounted further out. */
  function admit(c: Context, breaker: CircuitBreaker): ServedCall | undefined {
    const breakers = guarding.get(c) ?? new Set()
    if (breakers.has(breaker)) return undefined
    try {
      const served = new ServedCall(breaker, classifyStatus)
      guarding.set(c, breakers.add(breaker))
      return served
    } catch (error) {
      throw isCircuitBreakerError(error) ? answerable(error, UNAVAILABLE) : error
    }
  }

  function judge(c: Context, served: ServedCall): void {
    served.call.stopTimeout()
    if (served.call.settled) return
    const { res, error } = c
    const { body, status } = res
    const answered = (): void => served.answered(status, () => res.headers, res)
    served.error = error
    const isOver = body === null || body.locked || c.req.raw.method === 'HEAD'
    if (isOver || served.judge(status) !== 'success') return answered()
    c.res = undefined // else Hono takes the headers for new ones
    c.res = new Response(watchBody(body, served, answered, releaseAfter), res)
  }

  return {
    ...operations.common(),
    async routes(c) {
      checkVersion(c)
      return operations.fetch(c.req.raw, c)
    },
    errorHandler(error, c) {
      if (isCircuitBreakerError(error)) return unavailable(error)
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
        endWithClient(c.req.raw.signal, served.call)
        await withTimeout(served.call, next)
        judge(c, served)
      }
    },
  }
}

/** Hono 3 has `jsonT` or `pretty`, which a user may also set, and lacks `setLayout`. */
function isOfHono3(c: object): boolean {
  return ('jsonT' in c || 'pretty' in c) && !('setLayout' in c)
}

/** When the client goes, for whatever reason, the call is over, whatever the handler does. */
function endWithClient(signal: AbortSignal, call: SupervisedCall): void {
  if (signal.aborted) return call.ignore()
  const end = (): void => call.ignore()
  signal.addEventListener('abort', end)
  call.onSettled(() => signal.removeEventListener('abort', end))
}

/** Waits for the rest of the chain, but no longer than `callTimeout`. */
function withTimeout(call: SupervisedCall, next: Next): Promise<void> {
  return new Promise((resolve, reject) => {
    call.startTimeout((error) => reject(answerable(error, TIMED_OUT)))
    next().then(resolve, (error: unknown) => {
      // Hono takes all errors; what is thrown and is none goes on to the server.
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

/** The same error, in a form that Hono makes an answer of by itself. */
function answerable<E extends CircuitBreakerError | CallTimeoutError>(error: E, body: object): E {
  const fields = httpFields(error)
  const getResponse = (): Response => Response.json(body, fields)
  return Object.defineProperty(withHttpFields(error, fields), 'getResponse', { value: getResponse })
}

function unavailable(error: CircuitBreakerError): Response {
  return Response.json(UNAVAILABLE, { status: 503, headers: unavailableHeaders(error) })
}
