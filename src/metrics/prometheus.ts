/**
 * Exports the metrics of watched breakers to Prometheus through prom-client 15.
 *
 * @module
 */

import { onMicrotask } from '../base/microtask.ts'
import type { CircuitBreakerMonitor } from '../monitor/index.ts'
import type { BreakerTotals } from '../monitor/report.ts'
import { tooOld } from '../base/peer.ts'
import { check, isObject, readOptions } from '../base/validate.ts'
import { DEFINITIONS, PulledMetric } from './pulled-metrics.ts'

/** The subset of prom-client's `Registry` that this module uses, for either of its output formats. */
export interface PrometheusRegistry {
  /** The content type of the output format. */
  readonly contentType: string
  /** Returns all metrics in the output format. */
  metrics(): Promise<string>
  /** Adds a metric. */
  registerMetric(metric: never): void
  /** Returns the metric with this name. */
  getSingleMetric(name: string): object | undefined
  /** Removes the metric with this name. */
  removeSingleMetric(name: string): void
}

/** The options of {@link prometheusMetrics}. */
export interface PrometheusMetricsOptions {
  /** The prom-client registry that is scraped. Its default labels apply to these metrics too. */
  readonly register: PrometheusRegistry
}

/**
 * Registers the metrics of a monitor's breakers with a prom-client registry. This adds no cost to calls: the values are
 * read from the monitor at each scrape, for all metrics at the same moment. A breaker that is no longer watched is
 * missing from the next scrape.
 *
 * | metric | labels |
 * | --- | --- |
 * | `recloser_calls_total` | `name`, `outcome`: success, failure, ignored, late, rejected |
 * | `recloser_call_duration_seconds` | `name`, `le`: powers of two from 0.001 to 65.536 |
 * | `recloser_state` | `name`, `state`: 1 for the current one, 0 for the others |
 * | `recloser_transitions_total` | `name`, `from`, `to` |
 * | `recloser_permits_in_flight` | `name` |
 * | `recloser_fleet_in_force` | `name`: 1 while the state is that of the fleet |
 * | `recloser_fleet_link` | `name`, `state`: connecting, live, degraded; 1 for the current one, 0 for the others |
 *
 * `name` is the breaker's id in the monitor. Only breakers with a storage have the last two metrics. All counts start
 * when the breaker is first watched; the registry's `resetMetrics` does not reset them.
 *
 * @returns a Disposable that removes the metrics from the registry.
 * @throws {TypeError} when the monitor or the registry is missing or invalid, the registry is from prom-client 14 or
 *   older, or an option is unknown.
 * @throws {Error} when the registry already has a metric with one of these names, such as those of another monitor.
 *
 * @example
 * ```ts
 * import { Registry } from 'prom-client'
 * import { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerMonitor } from 'recloser/monitor'
 * import { prometheusMetrics } from 'recloser/prometheus'
 *
 * const register = new Registry()
 * const monitor = new CircuitBreakerMonitor()
 * prometheusMetrics(monitor, { register })
 *
 * const payments = new CircuitBreaker({ name: 'payments' })
 * monitor.watch(payments)
 * await payments.call(() => 'paid')
 * const text = await register.metrics()
 * console.log(text.includes('recloser_calls_total{name="payments",outcome="success"} 1')) // true
 * ```
 */
export function prometheusMetrics(
  monitor: CircuitBreakerMonitor,
  options: PrometheusMetricsOptions,
): Disposable {
  check(
    isObject(monitor) && typeof monitor.totals === 'function',
    'monitor',
    'a CircuitBreakerMonitor',
    monitor,
  )
  const { register } = readOptions<Partial<PrometheusMetricsOptions>>(
    options,
    { register: checkRegister },
    'prometheus options',
  )
  checkRegister(register, 'register')

  const read = oncePerScrape(monitor)
  const metrics = DEFINITIONS.map((definition) => new PulledMetric(definition, read))
  const existing = metrics.find(({ name }) => register.getSingleMetric(name))
  if (existing) {
    throw new Error(
      `Expected \`register\` to be without metrics of recloser, got one that has ${existing.name}: ` +
        'let one monitor watch all breakers, or dispose of what prometheusMetrics returned before',
    )
  }
  for (const metric of metrics) register.registerMetric(metric as never)
  return {
    [Symbol.dispose]: () => {
      DEFINITIONS.forEach(({ name }, index) => {
        const registered: unknown = register.getSingleMetric(name)
        if (registered === metrics[index]) register.removeSingleMetric(name)
      })
    },
  }
}

function checkRegister(register: unknown, name: string): asserts register is PrometheusRegistry {
  const isRegistry =
    isObject(register) &&
    ['registerMetric', 'getSingleMetric', 'removeSingleMetric'].every(
      (method) => typeof register[method] === 'function',
    )
  check(isRegistry, name, 'a Registry of prom-client', register)
  // Version 15 renamed this method. Older versions mix up two label names or do not await the values.
  if ('getMetricAsPrometheusString' in register)
    throw tooOld('prometheus', 'prom-client 15', 'prom-client 14 or older', 'prom-client@latest')
}

/**
 * Returns a function that reads the totals once per scrape. A registry starts to collect all its metrics before it
 * awaits any of them, so they can share a reading until the next microtask.
 */
function oncePerScrape(monitor: CircuitBreakerMonitor): () => readonly BreakerTotals[] {
  let reading: readonly BreakerTotals[] | undefined
  return () => {
    if (reading === undefined) {
      reading = monitor.totals()
      onMicrotask(() => (reading = undefined))
    }
    return reading
  }
}
