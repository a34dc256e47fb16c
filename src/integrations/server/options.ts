import type { DashboardOptions } from '../../dashboard/server/index.ts'
import { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { PrometheusRegistry } from '../../metrics/prometheus.ts'
import type { CircuitBreakerOptions } from '../../options.ts'
import { CircuitBreakerRegistry } from '../../registry.ts'
import type { Outcome } from '../../base/state.ts'
import { check, checkFunction, readOptions, type Check } from '../../base/validate.ts'
import { aRegistry, checkSource, eachBreaker } from '../options.ts'

// Re-exported for the NestJS integration, which takes the same option.
export { eachBreaker } from '../options.ts'

/** The options that all web framework integrations share, including those of the dashboard. */
export interface ServerBreakersOptions extends DashboardOptions {
  /**
   * The options of the breakers that are created by name, or a function that returns the options for a name.
   *
   * @default {}
   */
  readonly breaker?: CircuitBreakerOptions | ((name: string) => CircuitBreakerOptions) | undefined
  /**
   * A registry to take the breakers from, for example one shared with another integration. Excludes `breaker`.
   *
   * @default a new registry that never evicts a breaker
   */
  readonly registry?: CircuitBreakerRegistry | undefined
  /**
   * The monitor that watches the breakers and provides the data of the dashboard.
   *
   * @default a new monitor
   */
  readonly monitor?: CircuitBreakerMonitor | undefined
  /**
   * A prom-client registry. When given, `./metrics` is served next to the dashboard.
   *
   * @default none: no metrics are served
   */
  readonly register?: PrometheusRegistry | undefined
  /**
   * Classifies a request by the status of your server's response; `undefined` applies the default.
   *
   * @default 5xx is a failure, any other status a success
   */
  readonly classifyStatus?: ((status: number) => Outcome | undefined) | undefined
}

/** The validated options, with their defaults applied. */
export interface ServerSettings {
  readonly registry: CircuitBreakerRegistry
  readonly monitor: CircuitBreakerMonitor
  readonly register: PrometheusRegistry | undefined
  readonly classifyStatus: ServerBreakersOptions['classifyStatus']
  readonly dashboard: DashboardOptions
}

/** The `max` of a registry whose names come from code. Its breakers must never be evicted. */
export const UNBOUNDED: number = Number.MAX_SAFE_INTEGER

export const aMonitor: Check = (value, name) =>
  check(value instanceof CircuitBreakerMonitor, name, 'a CircuitBreakerMonitor', value)

// The component that uses the option checks it.
const checkedLater: Check = () => undefined

/** The checks of the options by name, for functions that accept more options. */
export const SERVER_OPTIONS: { readonly [Name in keyof ServerBreakersOptions]-?: Check } = {
  breaker: eachBreaker,
  registry: aRegistry,
  monitor: aMonitor,
  register: checkedLater,
  classifyStatus: checkFunction,
  authorize: checkedLater,
  path: checkedLater,
  maxStreams: checkedLater,
  maxBacklog: checkedLater,
}

export function readServerOptions(options: ServerBreakersOptions, label: string): ServerSettings {
  const given = readOptions<ServerBreakersOptions>(options, SERVER_OPTIONS, label)
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
