/**
 * Circuit breakers in Fastify.
 *
 * @module
 */

import type { FastifyPluginCallback } from 'fastify'
import type { CircuitBreaker } from '../../breaker.ts'
import { answerNode } from '../../dashboard/server/node.ts'
import { isCircuitBreakerError } from '../../base/errors.ts'
import { tooOld } from '../../base/peer.ts'
import { UNAVAILABLE, unavailableHeaders } from './http-error.ts'
import { noteError, serveThrough, type ServedResponse } from './node-call.ts'
import type { ServerBreakersOptions } from './options.ts'
import { Operations, type BreakerFor, type ServerBreakers } from './server-breakers.ts'

export type { ServerBreakersOptions } from './options.ts'
export type { ServerBreakers } from './server-breakers.ts'

/** As much of Fastify's request as is used. */
export interface FastifyRequestLike {
  readonly raw: object
}

/** As much of Fastify's reply as is used. */
export interface FastifyReplyLike {
  readonly raw: object
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  send(payload: unknown): unknown
}

/** What {@link fastifyBreakers} returns. Its functions may be passed on by themselves. */
export interface FastifyBreakers extends ServerBreakers {
  /**
   * A plugin: dashboard, `./health` and, with a `register`, `./metrics`: `app.register(breakers.routes, { prefix: '/ops' })`.
   * `authorize` is given Fastify's own request. When the app closes, so do the breakers.
   */
  readonly routes: FastifyPluginCallback
  /**
   * For `app.setErrorHandler`: answers a `CircuitBreakerError` by 503 with `Retry-After` and passes all other errors on. The
   * errors that it sees, and not just the status, judge the calls, so that `exclude` and `classifyError` have a say.
   */
  readonly errorHandler: (error: unknown, request: FastifyRequestLike, reply: FastifyReplyLike) => void
  /**
   * A hook, of a route or a scope: `{ preHandler: breakers.protect('prices') }`; `onRequest` and the others between do as
   * well. What comes after it goes through a breaker. A status of 5xx is a failure, as is an answer that breaks off; a client
   * that leaves is ignored; a stream is judged at its end. If the circuit does not let a request through, the error handler
   * gets the `CircuitBreakerError`; without one, Fastify answers by 503 with `Retry-After`. After `callTimeout` without an
   * answer it gets the `CallTimeoutError`, which Fastify answers by 504.
   */
  readonly protect: FastifyProtect
}

/** A hook of Fastify's, whatever is known of the request. */
export type FastifyHook<R> = (request: R, reply: FastifyReplyLike, done: (error?: Error) => void) => void

/** Makes a hook that lets requests through a breaker: one with a name, one of yours, or one that is found for each request. */
export interface FastifyProtect {
  (breaker: string | CircuitBreaker): FastifyHook<FastifyRequestLike>
  <R extends FastifyRequestLike>(find: (request: R) => CircuitBreaker): FastifyHook<R>
}

/**
 * Circuit breakers for Fastify 5, and for 4 from 4.29 on: a plugin with a dashboard, an error handler, and protection of
 * routes.
 *
 * @throws {TypeError | RangeError} for a bad option. With an older Fastify the plugin fails with a `TypeError`, and so does
 *   the first request to a route that is protected.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify'
 * import { fastifyBreakers } from 'recloser/fastify'
 *
 * const breakers = fastifyBreakers({ breaker: { failMax: 3 } })
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
    let known = false
    return (request, reply, done) => {
      const refused = known ? undefined : refuseOld((request as { server?: unknown }).server)
      if (refused) return done(refused)
      known = true
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
      const refused = refuseOld(app)
      if (refused) return done(refused)
      // The dashboard reads what is posted to it by itself.
      app.removeAllContentTypeParsers()
      app.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null))
      for (const path of ['/', '/*']) {
        app.all(path, (request, reply) => {
          reply.hijack()
          void answerNode(request.raw, reply.raw, (web) => operations.fetch(web, request))
        })
      }
      // Fastify waits for streams to end.
      app.addHook('preClose', (closed) => {
        common.close()
        closed()
      })
      done()
    },
    errorHandler(error, request, reply) {
      noteError(request.raw, error)
      if (!isCircuitBreakerError(error)) throw error
      reply.code(503)
      reply.headers(unavailableHeaders(error))
      reply.send(UNAVAILABLE)
    },
    protect,
  }
}

/** Some versions before 4.29 leave a handler's rejection unhandled, and some have no hook for closing. */
function refuseOld(app: unknown): TypeError | undefined {
  const { version } = (app ?? {}) as { readonly version?: unknown }
  if (typeof version !== 'string') return undefined
  const [major = 0, minor = 0] = version.split('.').map(Number)
  // Canary builds have the version 0.0.0.
  const isOld = major > 0 && (major < 4 || (major === 4 && minor < 29))
  if (!isOld) return undefined
  return tooOld('fastify', 'Fastify 5, or 4 from 4.29 on', `Fastify ${version}`, 'fastify@latest')
}
