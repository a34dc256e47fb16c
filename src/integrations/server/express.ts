/**
 * Circuit breakers for Express.
 *
 * @module
 */

import type { CircuitBreaker } from '../../breaker.ts'
import type { NodeRequest, NodeResponse } from '../../dashboard/server/index.ts'
import { answerNode } from '../../dashboard/server/node.ts'
import { findCircuitBreakerError } from '../../base/errors.ts'
import { UNAVAILABLE, unavailableHeaders } from './http-error.ts'
import { noteError, serveThrough, type ServedResponse } from './node-call.ts'
import type { ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { ServerBreakers } from './server-breakers.ts'

/** The subset of Express's response that the error handler uses. */
export interface ExpressResponse {
  /** The status of the response. */
  statusCode: number
  /** Whether the headers have been sent. */
  readonly headersSent: boolean
  /** Sets a header. */
  setHeader(name: string, value: string): unknown
  /** Sends the body. */
  end(body: string): unknown
}

/**
 * The return value of {@link expressBreakers}. Its functions do not need `this`, so they can be passed around freely.
 */
export interface ExpressBreakers extends ServerBreakers {
  /**
   * Serves the dashboard, `./health` and, with a `register`, `./metrics`. Mount it with
   * `app.use('/ops', breakers.routes)`.
   */
  readonly routes: (request: NodeRequest, response: NodeResponse) => void
  /**
   * Responds to a `CircuitBreakerError`, and to an error that wraps one, with 503 and `Retry-After`, and passes all other
   * errors on.
   *
   * Register it after the routes and before your own error handlers. The error that reaches it, and not just the
   * status, then determines the outcome of the call, so that `exclude` and `classifyError` apply.
   */
  readonly errorHandler: (
    error: unknown,
    request: object,
    response: ExpressResponse,
    next: (error?: unknown) => void,
  ) => void
  /**
   * Creates middleware that sends each request through a breaker to the handlers after it.
   *
   * A status of 5xx is a failure, and so is a response that breaks off. A client that disconnects is ignored. A
   * streamed response settles the call at its end.
   *
   * When the circuit rejects a request, the error handlers get the `CircuitBreakerError`; without any, Express responds
   * with 503 and `Retry-After`. When no response has begun within `callTimeout`, they get the `CallTimeoutError`;
   * without any, Express responds with 504.
   */
  readonly protect: ExpressProtect
}

/** Express middleware for requests of type `R`. */
export type ExpressMiddleware<R> = (request: R, response: object, next: (error?: unknown) => void) => void

/** Creates middleware that sends each request through a breaker. */
export interface ExpressProtect {
  /**
   * Uses the breaker with this name, or the given one.
   *
   * @throws {TypeError | RangeError} when the argument or an option of the breaker is invalid.
   */
  (breaker: string | CircuitBreaker): ExpressMiddleware<object>
  /** Uses the breaker that `find` returns for a request. An error that `find` throws goes to the error handlers. */
  <R extends object>(find: (request: R) => CircuitBreaker): ExpressMiddleware<R>
}

/**
 * Creates circuit breakers for an Express app: a dashboard to mount, an error handler, and middleware that protects
 * routes. It works with Express 4 and 5, and with any framework that takes the same kind of middleware.
 *
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { expressBreakers } from 'recloser/express'
 *
 * const breakers = expressBreakers({ breaker: { failMax: 3, callTimeout: 5_000 } })
 * const app = express()
 * app.use('/ops', breakers.routes) // dashboard, /ops/health
 * app.get('/prices/:id', breakers.protect('prices'), (request, response) => {
 *   response.json({ id: request.params.id, price: 12 })
 * })
 * app.use(breakers.errorHandler)
 *
 * const server = app.listen(0, '127.0.0.1', async () => {
 *   const { port } = server.address() as { port: number }
 *   breakers.registry.get('prices').open({ for: 4_500 })
 *   const response = await fetch(`http://127.0.0.1:${port}/prices/7`)
 *   console.log(response.status, response.headers.get('retry-after')) // 503 5
 *   breakers.close()
 *   server.close()
 *   server.closeAllConnections()
 * })
 * ```
 */
export function expressBreakers(options: ServerBreakersOptions = {}): ExpressBreakers {
  const operations = new Operations(options, 'expressBreakers options')
  const { classifyStatus, register } = operations.settings

  function routes(request: NodeRequest, response: NodeResponse): void {
    if (!register || !/\/metrics($|[?#])/.test(request.url ?? ''))
      return operations.dashboard.node(request, response)
    void answerNode(request, response, (web, context, mount) => operations.fetch(web, context, mount))
  }

  function protect<R extends object>(target: BreakerFor<R>): ExpressMiddleware<R> {
    const find = operations.finder(target)
    return (request, response, next) =>
      serveThrough(() => find(request), classifyStatus, request, response as ServedResponse, {
        proceed: next,
        reject: next,
        expire: next,
      })
  }

  return {
    ...operations.common(),
    routes,
    errorHandler(error, request, response, next) {
      noteError(request, error)
      const rejection = findCircuitBreakerError(error)
      if (!rejection || response.headersSent) return next(error)
      response.statusCode = 503
      for (const [name, value] of Object.entries(unavailableHeaders(rejection)))
        response.setHeader(name, value)
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(UNAVAILABLE))
    },
    protect,
  }
}
