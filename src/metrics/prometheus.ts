/**
 * The metrics of watched breakers for Prometheus, by way of prom-client 15.
 *
 * @module
 */

import type { CircuitBreakerMonitor } from '../monitor/index.ts'
import type { BreakerTotals } from '../monitor/report.ts'
import { tooOld } from '../base/peer.ts'
import { check, isObject, readOptions } from '../base/validate.ts'
import { DEFINITIONS, PulledMetric } from './pulled-metrics.ts'

/** The part of prom-client's registry that is used, whichever format it writes. */
export interface PrometheusRegistry {
  readonly contentType: string
  metrics(): Promise<string>
  registerMetric(metric: never): void
  getSingleMetric(name: string): object | undefined
  removeSingleMetric(name: string): void
}

/** The options of {@link prometheusMetrics}. */
export interface PrometheusMetricsOptions {
  /** The registry of prom-client that is scraped. Its default labels apply as to any metric. */
  readonly register: PrometheusRegistry
}

/**
 * Registers the metrics of a monitor's breakers. A call costs nothing more for it: the values are read from the monitor
 * when somebody scrapes, all metrics of one scrape at the same moment. A breaker that is no longer watched is gone from
 * the next scrape.
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
 * `name` is the breaker's id in the monitor. The last two are only there for breakers with a storage. Everything
 * counts from when the breaker was first watched; the registry's `resetMetrics` changes nothing.
 *
 * @returns what removes the metrics from the registry.
 * @throws {TypeError} if there is no monitor or no registry, for a registry of prom-client 14, or for an unknown option.
 * @throws {Error} if the registry has a metric of such a name already, as it does when it has another monitor's.
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
  const taken = metrics.find(({ name }) => register.getSingleMetric(name))
  if (taken) {
    throw new Error(
      `Expected \`register\` to be without metrics of recloser, got one that has ${taken.name}: ` +
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
  const holds =
    isObject(register) &&
    ['registerMetric', 'getSingleMetric', 'removeSingleMetric'].every(
      (method) => typeof register[method] === 'function',
    )
  check(holds, name, 'a Registry of prom-client', register)
  // Version 15 renamed this method. Older versions confuse two label names, or do not await the values.
  if ('getMetricAsPrometheusString' in register)
    throw tooOld('prometheus', 'prom-client 15', 'prom-client 14 or older', 'prom-client@latest')
}

/** A registry asks all its metrics before it waits for any: until then, they share one reading. */
function oncePerScrape(monitor: CircuitBreakerMonitor): () => readonly BreakerTotals[] {
  let reading: readonly BreakerTotals[] | undefined
  return () => {
    if (reading === undefined) {
      reading = monitor.totals()
      queueMicrotask(() => (reading = undefined))
    }
    return reading
  }
}
