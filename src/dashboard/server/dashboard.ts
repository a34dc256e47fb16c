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

/** A dashboard, to be mounted in a server. Its functions may be passed on by themselves. */
export interface Dashboard extends Disposable {
  /** For servers of the web's kind: `Deno.serve`, `Bun.serve`, workers, Hono. `context` is handed to `authorize`. */
  readonly fetch: (request: Request, context?: unknown) => Promise<Response>
  /** A listener for Node's `http`, `https` and `http2`; for Express also to be mounted, for Fastify given the raw ones. */
  readonly node: (request: NodeRequest, response: NodeResponse) => void
  /** Ends the streams and refuses new ones, so that the server can stop. All else is still answered. */
  readonly close: () => void
}

/**
 * Shows the breakers of a monitor and lets those who may control them do so: a page, and the same as JSON, as a stream
 * of events and as a health check. All paths are below the one where it is mounted, which it need not be told.
 *
 * Everyone who can reach it can read it: put it where only the right people do. Nobody can control anything unless
 * `authorize` says so.
 *
 * `GET ./health` is always answered by 200, with the status in the body: an instance whose upstream is down is not
 * helped by being taken out of service.
 *
 * @throws {TypeError | RangeError} for a bad option.
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

  async function isAuthorized(request: Request, context: unknown): Promise<boolean> {
    try {
      return (await authorize?.(request, context as never)) === true
    } catch (error) {
      // Once: whoever can reach us could fill the log.
      if (!warned) warn(`\`authorize\` of a dashboard threw, which counts as no: ${renderError(error)}`)
      warned = true
      return false
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
    // It could not read it, but it could take all the places.
    if (!isSameOrigin(request)) return refusal(403, 'Events are refused to pages of another origin')
    return streams.open(await isAuthorized(request, context))
  }

  async function route(request: Request, context: unknown, mount: string | undefined): Promise<Response> {
    const place = findRoute(request, mount)
    if (place.kind === 'nowhere') return refusal(404, `Expected one of ${PATHS}`)
    if (place.kind === 'redirect') return answer(307, null, { location: place.location })
    const { endpoint } = place
    const { method } = request
    if (endpoint === 'control') {
      if (method !== 'POST') return refusal(405, 'Expected POST', { allow: 'POST' })
      return answerControl(monitor, request, () => isAuthorized(request, context))
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
