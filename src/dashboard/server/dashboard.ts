import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { check, isObject } from '../../base/validate.ts'
import { answer, json, refusal, withoutBody } from './answers.ts'
import { answerControl } from './control.ts'
import { answerNode } from './node.ts'
import type { NodeRequest } from './node-request.ts'
import type { NodeResponse } from './node-response.ts'
import { readDashboardOptions, type DashboardOptions } from './options.ts'
import { pageFiles } from './page-files.ts'
import { ENDPOINTS, findRoute, type Endpoint } from './route.ts'
import { isSameOrigin } from './same-origin.ts'
import { STREAM_FIELDS, Streams } from './streams.ts'

/** A dashboard to mount in a server. Its functions do not depend on `this`. Disposing of it calls `close`. */
export interface Dashboard extends Disposable {
  /**
   * Answers a web-standard request: for `Deno.serve`, `Bun.serve`, workers and Hono. `context` is passed to
   * `authorize`.
   */
  readonly fetch: (request: Request, context?: unknown) => Promise<Response>
  /**
   * Answers a Node request: a listener for `http`, `https` and `http2`, and a handler to mount in Express. In Fastify,
   * pass it the raw request and response.
   */
  readonly node: (request: NodeRequest, response: NodeResponse) => void
  /** Ends all event streams and refuses new ones, so that the server can stop. Other requests are still answered. */
  readonly close: () => void
}

/**
 * Creates a dashboard that shows the breakers of a monitor and lets authorized users control them. It serves a page,
 * and the same data as JSON, as an event stream and as a health check. All paths are relative to its mount point, which
 * it does not need to know.
 *
 * Everyone who can reach the dashboard can read it, so restrict access to it. Nobody can control the breakers unless
 * `authorize` allows it.
 *
 * `GET ./health` always responds with 200 and has the status in its body: taking an instance out of service does not
 * help it when a dependency is down.
 *
 * @throws {TypeError | RangeError} when the monitor or an option is invalid.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { createDashboard } from 'recloser/dashboard'
 * import { CircuitBreakerMonitor } from 'recloser/monitor'
 *
 * const monitor = new CircuitBreakerMonitor()
 * monitor.watch(new CircuitBreaker({ name: 'payments' }))
 * const dashboard = createDashboard(monitor, {
 *   authorize: (request) => request.headers.get('authorization') === 'Bearer secret',
 * })
 * const response = await dashboard.fetch(new Request('http://localhost/ops/health'))
 * const health = await response.json()
 * console.log(health.status) // up
 * ```
 */
export function createDashboard(monitor: CircuitBreakerMonitor, options: DashboardOptions = {}): Dashboard {
  const isMonitor =
    isObject(monitor) && typeof monitor['snapshot'] === 'function' && typeof monitor['events'] === 'function'
  check(isMonitor, 'monitor', 'a CircuitBreakerMonitor', monitor)
  const { authorize, path, maxStreams, maxBacklog } = readDashboardOptions(options)
  const streams = new Streams(monitor, maxStreams, maxBacklog)
  let warned = false

  /** Returns who may control the breakers by this request; `undefined` if nobody may. */
  async function findActor(request: Request, context: unknown): Promise<string | undefined> {
    try {
      const actor: unknown = await authorize?.(request, context as never)
      if (actor === true) return 'dashboard'
      return typeof actor === 'string' && actor !== '' ? actor : undefined
    } catch (error) {
      // Only once: otherwise anyone who can reach the dashboard could flood the log.
      if (!warned) warn(`\`authorize\` of a dashboard threw, which counts as no: ${renderError(error)}`)
      warned = true
      return undefined
    }
  }

  async function get(
    endpoint: Exclude<Endpoint, 'control'>,
    request: Request,
    context: unknown,
  ): Promise<Response> {
    if (endpoint === 'snapshot') return json(monitor.snapshot())
    if (endpoint === 'health') return json(monitor.healthReport())
    if (endpoint !== 'events') return pageFiles[endpoint].answer(request)
    if (request.method === 'HEAD') return answer(200, null, STREAM_FIELDS)
    // A page of another origin could not read the stream, but it could use up `maxStreams`.
    if (!isSameOrigin(request)) return refusal(403, 'Events are refused to pages of another origin')
    return streams.open((await findActor(request, context)) !== undefined)
  }

  async function route(request: Request, context: unknown, mount: string | undefined): Promise<Response> {
    const target = findRoute(request, mount)
    if (target.kind === 'nowhere') return refusal(404, `Expected one of ${PATHS}`)
    if (target.kind === 'redirect') return answer(307, null, { location: target.location })
    const { endpoint } = target
    const { method } = request
    if (endpoint === 'control') {
      if (method !== 'POST') return refusal(405, 'Expected POST', { allow: 'POST' })
      return answerControl(monitor, request, () => findActor(request, context))
    }
    if (method !== 'GET' && method !== 'HEAD')
      return refusal(405, 'Expected GET or HEAD', { allow: 'GET, HEAD' })
    return get(endpoint, request, context)
  }

  async function respond(request: Request, context: unknown, mount: string | undefined): Promise<Response> {
    let response: Response
    try {
      response = await route(request, context, mount)
    } catch (error) {
      warn(`A dashboard failed: ${renderError(error)}`)
      response = refusal(500, 'The dashboard failed')
    }
    return request.method === 'HEAD' ? withoutBody(response) : response
  }

  const close = (): void => streams.close()
  return {
    fetch: (request, context) => respond(request, context, path),
    node: (incoming, outgoing) =>
      void answerNode(incoming, outgoing, (request, context, mount) =>
        respond(request, context, path ?? mount),
      ),
    close,
    [Symbol.dispose]: close,
  }
}

const PATHS = ENDPOINTS.map((each) => `./${each}`).join(', ')
