import { CircuitBreaker } from '../../breaker.ts'
import { createDashboard, type Dashboard } from '../../dashboard/server/index.ts'
import { refusal, withoutBody } from '../../dashboard/server/answers.ts'
import { prometheusMetrics } from '../../metrics/prometheus.ts'
import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { CircuitBreakerRegistry } from '../../registry.ts'
import { check } from '../../base/validate.ts'
import { readServerOptions, type ServerBreakersOptions, type ServerSettings } from './options.ts'

/** The members that all web framework integrations share. */
export interface ServerBreakers extends Disposable {
  /** The breakers by name. Your own code can make calls through them too. */
  readonly registry: CircuitBreakerRegistry
  /** The monitor that watches all of the breakers. */
  readonly monitor: CircuitBreakerMonitor
  /**
   * Ends the event streams of the dashboard, so that the server can stop, unwatches the breakers and removes their
   * metrics from `register`.
   */
  readonly close: () => void
}

/** The breaker of a route: a name, a breaker, or a function that returns the breaker for a request. */
export type BreakerFor<R> = string | CircuitBreaker | ((request: R) => CircuitBreaker)

/**
 * The breakers of one server, with their dashboard and metrics. Each framework integration is a thin wrapper around it.
 */
export class Operations {
  readonly settings: ServerSettings
  readonly dashboard: Dashboard
  readonly #disposables: Disposable[] = []

  constructor(options: ServerBreakersOptions, label: string) {
    this.settings = readServerOptions(options, label)
    const { monitor, register, registry, dashboard } = this.settings
    this.dashboard = createDashboard(monitor, dashboard)
    if (register) this.#disposables.push(prometheusMetrics(monitor, { register }))
    this.#disposables.push(monitor.watch(registry))
  }

  /**
   * Returns a function that finds the breaker for a request. A breaker that is given directly or by name is watched
   * from now on, so the dashboard shows it before the first request.
   */
  finder<R>(target: BreakerFor<R>): (request: R) => CircuitBreaker {
    const { registry, monitor } = this.settings
    if (typeof target === 'string') {
      registry.get(target)
      return () => registry.get(target)
    }
    if (target instanceof CircuitBreaker) {
      this.#disposables.push(monitor.watch(target))
      return () => target
    }
    check(typeof target === 'function', 'the breaker', 'a name, a CircuitBreaker or a function', target)
    return target
  }

  /** Whether a request for `pathname` is for the metrics. `mount` is the path of the mounted routes, if it is known. */
  wantsMetrics(pathname: string, mount: string | undefined): boolean {
    if (!this.settings.register) return false
    const base = this.settings.dashboard.path?.replace(/\/$/, '') ?? mount
    return base === undefined ? pathname.endsWith('/metrics') : pathname === `${base}/metrics`
  }

  /** Answers a request to the mounted routes. `context` is passed to `authorize`. */
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

  /** Returns the members that all integrations share. */
  common(): ServerBreakers {
    const { registry, monitor } = this.settings
    const close = (): void => {
      this.dashboard.close()
      for (const disposable of this.#disposables.splice(0)) disposable[Symbol.dispose]()
    }
    return { registry, monitor, close, [Symbol.dispose]: close }
  }
}
