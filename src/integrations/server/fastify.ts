/**
 * Circuit breakers for Fastify.
 *
 * @module
 */

import type { FastifyPluginCallback } from 'fastify'
import type { CircuitBreaker } from '../../breaker.ts'
import { answerNode } from '../../dashboard/server/node.ts'
import { findCircuitBreakerError } from '../../base/errors.ts'
import { tooOld } from '../../base/peer.ts'
import { UNAVAILABLE, unavailableHeaders } from './http-error.ts'
import { noteError, serveThrough, type ServedResponse } from './node-call.ts'
import type { ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { ServerBreakers } from './server-breakers.ts'

/** The subset of Fastify's request that the hooks and the error handler use. */
export interface FastifyRequestLike {
  /** Node's request. */
  readonly raw: object
}

/** The subset of Fastify's reply that the hooks and the error handler use. */
export interface FastifyReplyLike {
  /** Node's response. */
  readonly raw: object
  /** Sets the status. */
  code(status: number): unknown
  /** Sets headers. */
  headers(values: Record<string, string>): unknown
  /** Sends the body. */
  send(payload: unknown): unknown
}

/**
 * The return value of {@link fastifyBreakers}. Its functions do not need `this`, so they can be passed around freely.
 */
export interface FastifyBreakers extends ServerBreakers {
  /**
   * A plugin that serves the dashboard, `./health` and, with a `register`, `./metrics`. Register it with
   * `app.register(breakers.routes, { prefix: '/ops' })`.
   *
   * `authorize` gets Fastify's request as its `context`. Closing the app also calls `close()`.
   */
  readonly routes: FastifyPluginCallback
  /**
   * Responds to a `CircuitBreakerError`, and to an error that wraps one, with 503 and `Retry-After`, and passes all other
   * errors on. Set it with `app.setErrorHandler(breakers.errorHandler)`.
   *
   * The error that reaches it, and not just the status, then determines the outcome of the call, so that `exclude` and
   * `classifyError` apply.
   */
  readonly errorHandler: (error: unknown, request: FastifyRequestLike, reply: FastifyReplyLike) => void
  /**
   * Creates a hook of a route or a scope that sends each request through a breaker to the hooks and the handler after
   * it, such as `{ preHandler: breakers.protect('prices') }`. It also works as `onRequest` and as `preValidation`.
   *
   * A status of 5xx is a failure, and so is a response that breaks off. A client that disconnects is ignored. A
   * streamed response settles the call at its end.
   *
   * When the circuit rejects a request, the error handler gets the `CircuitBreakerError`; without one, Fastify responds
   * with 503 and `Retry-After`. When no response has begun within `callTimeout`, it gets the `CallTimeoutError`;
   * without one, Fastify responds with 504.
   */
  readonly protect: FastifyProtect
}

/** A Fastify hook for requests of type `R`. */
export type FastifyHook<R> = (request: R, reply: FastifyReplyLike, done: (error?: Error) => void) => void

/** Creates a hook that sends each request through a breaker. */
export interface FastifyProtect {
  /**
   * Uses the breaker with this name, or the given one.
   *
   * @throws {TypeError | RangeError} when the argument or an option of the breaker is invalid.
   */
  (breaker: string | CircuitBreaker): FastifyHook<FastifyRequestLike>
  /** Uses the breaker that `find` returns for a request. An error that `find` throws goes to the error handler. */
  <R extends FastifyRequestLike>(find: (request: R) => CircuitBreaker): FastifyHook<R>
}

/**
 * Creates circuit breakers for a Fastify app: a plugin with a dashboard, an error handler, and hooks that protect
 * routes. It works with Fastify 5, and with Fastify 4 from 4.29 on. With an older version the plugin fails with a
 * `TypeError`, and so does each request to a protected route.
 *
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { fastifyBreakers } from 'recloser/fastify'
 *
 * const breakers = fastifyBreakers({ breaker: { failMax: 3, callTimeout: 5_000 } })
 * const app = Fastify()
 * app.register(breakers.routes, { prefix: '/ops' }) // dashboard, /ops/health
 * app.setErrorHandler(breakers.errorHandler)
 * app.get('/prices', { preHandler: breakers.protect('prices') }, async () => ({ price: 12 }))
 *
 * breakers.registry.get('prices').open({ for: 4_500 })
 * const response = await app.inject('/prices')
 * console.log(response.statusCode, response.headers['retry-after']) // 503 5
 * await app.close()
 * ```
 */
export function fastifyBreakers(options: ServerBreakersOptions = {}): FastifyBreakers {
  const operations = new Operations(options, 'fastifyBreakers options')
  const { classifyStatus } = operations.settings
  const common = operations.common()

  function protect<R extends FastifyRequestLike>(target: BreakerFor<R>): FastifyHook<R> {
    const find = operations.finder(target)
    let isVersionChecked = false
    return (request, reply, done) => {
      const versionError = isVersionChecked
        ? undefined
        : versionErrorOf((request as { server?: unknown }).server)
      if (versionError) return done(versionError)
      isVersionChecked = true
      serveThrough(() => find(request), classifyStatus, request.raw, reply.raw as ServedResponse, {
        proceed: () => done(),
        reject: (error) => done(error as Error),
        expire: (error) => void reply.send(error),
      })
    }
  }

  return {
    ...common,
    routes(app, _, done) {
      const versionError = versionErrorOf(app)
      if (versionError) return done(versionError)
      // The dashboard parses request bodies itself.
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
      for (const path of ['/', '/*']) {
        app.all(path, (request, reply) => {
          reply.hijack()
          void answerNode(request.raw, reply.raw, (web) => operations.fetch(web, request))
        })
      }
      // The event streams must end first: Fastify waits for open streams when it closes.
      app.addHook('preClose', (finish) => {
        common.close()
        finish()
      })
      done()
    },
    errorHandler(error, request, reply) {
      noteError(request.raw, error)
      const rejection = findCircuitBreakerError(error)
      if (!rejection) throw error
      reply.code(503)
      reply.headers(unavailableHeaders(rejection))
      reply.send(UNAVAILABLE)
    },
    protect,
  }
}

/**
 * Returns the error for a Fastify version that is too old. Some versions before 4.29 leave the rejection of a handler
 * unhandled, and some have no `preClose` hook.
 */
function versionErrorOf(app: unknown): TypeError | undefined {
  const { version } = (app ?? {}) as { readonly version?: unknown }
  if (typeof version !== 'string') return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  // Canary builds report version 0.0.0.
  const isOld = major > 0 && (major < 4 || (major === 4 && minor < 29))
  if (!isOld) return undefined
  return tooOld('fastify', 'Fastify 5, or 4 from 4.29 on', `Fastify ${version}`, 'fastify@latest')
}
