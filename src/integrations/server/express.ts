/**
 * Circuit breakers in Express.
 *
 * @module
 */

import type { CircuitBreaker } from '../../breaker.ts'
import type { NodeRequest, NodeResponse } from '../../dashboard/server/index.ts'
import { answerNode } from '../../dashboard/server/node.ts'
import { isCircuitBreakerError } from '../../base/errors.ts'
import { UNAVAILABLE, unavailableHeaders } from './http-error.ts'
import { noteError, serveThrough, type ServedResponse } from './node-call.ts'
import type { ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { ServerBreakers } from './server-breakers.ts'

/** As much of Express's response as the error handler uses. */
export interface ExpressResponse {
  statusCode: number
  readonly headersSent: boolean
  setHeader(name: string, value: string): unknown
  end(body: string): unknown
}

/** What {@link expressBreakers} returns. Its functions may be passed on by themselves. */
export interface ExpressBreakers extends ServerBreakers {
  /** Dashboard, `./health` and, with a `register`, `./metrics`: `app.use('/ops', breakers.routes)`. */
  readonly routes: (request: NodeRequest, response: NodeResponse) => void
  /**
   * Answers a `CircuitBreakerError` by 503 with `Retry-After` and leaves all other errors alone. Comes after the routes, and
   * before error handlers of yours: then the errors that it sees, and not just the status, judge the calls, so that
   * `exclude` and `classifyError` have a say.
   */
  readonly errorHandler: (
    error: unknown,
    request: object,
    response: ExpressResponse,
    next: (error?: unknown) => void,
  ) => void
  /**
   * Middleware: what comes after it goes through a breaker. A status of 5xx is a failure, as is an answer that breaks off;
   * a client that leaves is ignored; a stream is judged at its end. If the circuit does not let a request through, the
   * error handlers get the `CircuitBreakerError`; without any, Express answers by 503 with `Retry-After`. After
   * `callTimeout` without an answer they get the `CallTimeoutError`, which Express answers by 504.
   */
  readonly protect: ExpressProtect
}

/** Middleware, whatever is known of the request. */
export type ExpressMiddleware<R> = (request: R, response: object, next: (error?: unknown) => void) => void

/** Makes middleware that lets requests through a breaker: one with a name, one of yours, or one that is found for each request. */
export interface ExpressProtect {
  (breaker: string | CircuitBreaker): ExpressMiddleware<object>
  <R extends object>(find: (request: R) => CircuitBreaker): ExpressMiddleware<R>
}

/**
 * Circuit breakers for an Express app (5, 4 and what else takes such middleware): a dashboard to mount, an error handler,
 * and protection of routes.
 *
 * @throws {TypeError | RangeError} for a bad option.
 *
 * @example
 * ```ts
 * import express from 'express'
 * import { expressBreakers } from 'recloser/express'
 *
 * const breakers = expressBreakers({ breaker: { failMax: 3 } })
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
      if (!isCircuitBreakerError(error) || response.headersSent) return next(error)
      response.statusCode = 503
      for (const [name, value] of Object.entries(unavailableHeaders(error))) response.setHeader(name, value)
      response.setHeader('content-type', 'application/json; charset=utf-8')
      response.end(JSON.stringify(UNAVAILABLE))
    },
    protect,
  }
}
