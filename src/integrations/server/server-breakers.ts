import { CircuitBreaker } from '../../breaker.ts'
import { createDashboard, type Dashboard } from '../../dashboard/server/index.ts'
import { refusal, withoutBody } from '../../dashboard/server/answers.ts'
import { prometheusMetrics } from '../../metrics/prometheus.ts'
import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { CircuitBreakerRegistry } from '../../registry.ts'
import { check } from '../../base/validate.ts'
import { readServerOptions, type ServerBreakersOptions, type ServerSettings } from './options.ts'

/** What the integrations for web frameworks have in common. */
export interface ServerBreakers extends Disposable {
  /** The breakers by their names, for your own code to go through as well. */
  readonly registry: CircuitBreakerRegistry
  /** Watches them all. */
  readonly monitor: CircuitBreakerMonitor
  /** Ends the streams of the dashboard, so that the server can stop, and ceases to watch. */
  readonly close: () => void
}

/** Which breaker a route goes through: a name, a breaker of yours, or a function that finds one for a request. */
export type BreakerFor<R> = string | CircuitBreaker | ((request: R) => CircuitBreaker)

/** The breakers of one server and what shows them. A framework's integration is a thin shell around it. */
export class Operations {
  readonly settings: ServerSettings
  readonly dashboard: Dashboard
  readonly #holds: Disposable[] = []

  constructor(options: ServerBreakersOptions, what: string) {
    this.settings = readServerOptions(options, what)
    const { monitor, register, registry, dashboard } = this.settings
    this.dashboard = createDashboard(monitor, dashboard)
    if (register) this.#holds.push(prometheusMetrics(monitor, { register }))
    this.#holds.push(monitor.watch(registry))
  }

  /** Finds the breaker for each request. One that is given, or named, is there from now on. */
  finder<R>(target: BreakerFor<R>): (request: R) => CircuitBreaker {
    const { registry, monitor } = this.settings
    if (typeof target === 'string') {
      registry.get(target)
      return () => registry.get(target)
    }
    if (target instanceof CircuitBreaker) {
      this.#holds.push(monitor.watch(target))
      return () => target
    }
    check(typeof target === 'function', 'the breaker', 'a name, a CircuitBreaker or a function', target)
    return target
  }

  /** Whether a request for `pathname` is for the metrics; `mount` is where we are, if that is known. */
  wantsMetrics(pathname: string, mount: string | undefined): boolean {
    if (!this.settings.register) return false
    const base = this.settings.dashboard.path?.replace(/\/$/, '') ?? mount
    return base === undefined ? pathname.endsWith('/metrics') : pathname === `${base}/metrics`
  }

  /** The answer to a request for what is mounted. `context` is what `authorize` is given. */
  async fetch(request: Request, context?: unknown, mount?: string): Promise<Response> {
    const { pathname } = new URL(request.url)
    return this.wantsMetrics(pathname, mount) ? this.metrics(request) : this.dashboard.fetch(request, context)
  }

  async metrics(request: Request): Promise<Response> {
    const { method } = request
    const register = this.settings.register!
    if (method !== 'GET' && method !== 'HEAD')
      return refusal(405, 'Expected GET or HEAD', { allow: 'GET, HEAD' })
    const headers = { 'content-type': register.contentType, 'cache-control': 'no-store' }
    const response = new Response(await register.metrics(), { headers })
    return method === 'HEAD' ? withoutBody(response) : response
  }

  /** The part of an integration that is the same for all. */
  common(): ServerBreakers {
    const { registry, monitor } = this.settings
    const close = (): void => {
      this.dashboard.close()
      for (const hold of this.#holds.splice(0)) hold[Symbol.dispose]()
    }
    return { registry, monitor, close, [Symbol.dispose]: close }
  }
}
