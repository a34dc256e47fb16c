import type { DashboardOptions } from '../../dashboard/server/index.ts'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { PrometheusRegistry } from '../../metrics/prometheus.ts'
import type { CircuitBreakerOptions } from '../../options.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import type { Outcome } from '../../base/state.ts'
import { check, checkFunction, readOptions, type Check } from '../../base/validate.ts'
import { aRegistry, checkSource, eachBreaker } from '../options.ts'

// For Nest, whose modules take the same option.
export { eachBreaker } from '../options.ts'

/** The options that the integrations for web frameworks share; the rest are those of the dashboard. */
export interface ServerBreakersOptions extends DashboardOptions {
  /** The options of each breaker that is asked for by name, or a function that makes them for a name. */
  readonly breaker?: CircuitBreakerOptions | ((name: string) => CircuitBreakerOptions) | undefined
  /** A registry of yours or of another integration to take the breakers from, instead of `breaker`. */
  readonly registry?: CircuitBreakerRegistry | undefined
  /** The monitor that watches the breakers and is shown. Default: one of its own. */
  readonly monitor?: CircuitBreakerMonitor | undefined
  /** A registry of prom-client: then there is a `./metrics` beside the dashboard. */
  readonly register?: PrometheusRegistry | undefined
  /**
   * What the status of an answer of yours says about what the route needs; `undefined` leaves it to the default: 5xx are
   * failures, all others successes.
   */
  readonly classifyStatus?: ((status: number) => Outcome | undefined) | undefined
}

/** The options with everything settled. */
export interface ServerSettings {
  readonly registry: CircuitBreakerRegistry
  readonly monitor: CircuitBreakerMonitor
  readonly register: PrometheusRegistry | undefined
  readonly classifyStatus: ServerBreakersOptions['classifyStatus']
  readonly dashboard: DashboardOptions
}

/** Names come from code: none of their breakers may ever make room for another. */
export const UNBOUNDED: number = Number.MAX_SAFE_INTEGER

export const aMonitor: Check = (value, name) =>
  check(value instanceof CircuitBreakerMonitor, name, 'a CircuitBreakerMonitor', value)

// Whoever it is for checks it.
const later: Check = () => undefined

export function readServerOptions(options: ServerBreakersOptions, what: string): ServerSettings {
  const given = readOptions<ServerBreakersOptions>(
    options,
    {
      breaker: eachBreaker,
      registry: aRegistry,
      monitor: aMonitor,
      register: later,
      classifyStatus: checkFunction,
      authorize: later,
      path: later,
      maxStreams: later,
      maxBacklog: later,
    },
    what,
  )
  const { breaker = {}, registry, monitor, register, classifyStatus, ...dashboard } = given
  checkSource(given)
  return {
    registry:
      registry ??
      new CircuitBreakerRegistry({
        options: (name) => (typeof breaker === 'function' ? breaker(name) : breaker),
        max: UNBOUNDED,
      }),
    monitor: monitor ?? new CircuitBreakerMonitor(),
    register,
    classifyStatus,
    dashboard,
  }
}
