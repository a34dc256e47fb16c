/**
 * Exports the metrics of watched breakers to OpenTelemetry, with `@opentelemetry/api` 1.3 or later.
 *
 * @module
 */

import * as api from '@opentelemetry/api'
import type { BatchObservableCallback, Histogram, Meter } from '@opentelemetry/api'
import { CircuitBreaker } from '../breaker.ts'
import { CircuitBreakerMonitor } from '../monitor/index.ts'
import { tooOld } from '../base/peer.ts'
import { check, isObject, readOptions } from '../base/validate.ts'
import { STATES } from '../base/state.ts'
import { LINKS, OUTCOMES, transitionsOf } from './totals.ts'

/** The options of {@link opentelemetryMetrics}. */
export interface OpenTelemetryMetricsOptions {
  /**
   * The meter that creates the instruments.
   *
   * @default the global meter named `recloser`, so the SDK must be set up first
   */
  readonly meter?: Meter | undefined
}

/**
 * Reports the metrics of a monitor's breakers to OpenTelemetry. They are read from the monitor when the SDK collects.
 * Only durations are recorded at the end of each success and failure, because the API has no observable histogram.
 *
 * | instrument | unit | attributes |
 * | --- | --- | --- |
 * | `recloser.calls` (counter) | | `name`, `outcome`: success, failure, ignored, late, rejected |
 * | `recloser.call.duration` (histogram) | s | `name` |
 * | `recloser.state` (gauge) | | `name`, `state`: 1 for the current one, 0 for the others |
 * | `recloser.transitions` (counter) | | `name`, `from`, `to` |
 * | `recloser.permits.in_flight` (up-down counter) | | `name` |
 * | `recloser.fleet.in_force` (gauge) | | `name`: 1 while the state is that of the fleet |
 * | `recloser.fleet.link` (gauge) | | `name`, `state`: connecting, live, degraded; 1 for the current one, 0 for the others |
 *
 * `name` is the breaker's id in the monitor. Only breakers with a storage have the last two metrics. All counts start
 * when the breaker is first watched, but durations not before this function is called. A breaker that is no longer
 * watched is not observed any more, except for a final zero for each of its gauges and its calls in flight: an SDK with
 * cumulative temporality may otherwise repeat the last values forever.
 *
 * @returns a Disposable that stops observing and recording.
 * @throws {TypeError} when the monitor or the meter is invalid, an option is unknown, or `@opentelemetry/api` is older
 *   than 1.3.
 * @throws {Error} when the meter already has the metrics of this monitor.
 *
 * @example
 * ```ts
 * import { MeterProvider } from '@opentelemetry/sdk-metrics'
 * import { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerMonitor } from 'recloser/monitor'
 * import { opentelemetryMetrics } from 'recloser/opentelemetry'
 *
 * const provider = new MeterProvider() // with the readers that you have
 * const monitor = new CircuitBreakerMonitor()
 * opentelemetryMetrics(monitor, { meter: provider.getMeter('checkout') })
 *
 * monitor.watch(new CircuitBreaker({ name: 'payments' }))
 * ```
 */
export function opentelemetryMetrics(
  monitor: CircuitBreakerMonitor,
  options: OpenTelemetryMetricsOptions = {},
): Disposable {
  checkVersion(api)
  check(monitor instanceof CircuitBreakerMonitor, 'monitor', 'a CircuitBreakerMonitor', monitor)
  const { meter = api.metrics.getMeter('recloser') } = readOptions<OpenTelemetryMetricsOptions>(
    options,
    { meter: checkMeter },
    'opentelemetry options',
  )
  const release = claim(monitor, meter)
  const stopObserving = observeTotals(monitor, meter)
  const stopRecording = recordDurations(monitor, meter)
  return {
    [Symbol.dispose]: () => {
      stopObserving()
      stopRecording()
      release()
    },
  }
}

/** @throws {TypeError} when the API has no metrics, as before version 1.3. */
function checkVersion({ metrics }: { readonly metrics?: unknown }): void {
  if (metrics) return
  const name = '@opentelemetry/api'
  throw tooOld('opentelemetry', `${name} 1.3 or later`, 'one without metrics', `${name}@latest`)
}

function checkMeter(meter: unknown, name: string): void {
  const isMeter =
    isObject(meter) &&
    ['createHistogram', 'createObservableCounter', 'addBatchObservableCallback'].every(
      (method) => typeof meter[method] === 'function',
    )
  check(isMeter, name, 'a Meter of @opentelemetry/api', meter)
}

const claims = new WeakMap<CircuitBreakerMonitor, Set<Meter>>()

/** Claims a meter for a monitor, so that no call is recorded twice. Returns a function that releases it. */
function claim(monitor: CircuitBreakerMonitor, meter: Meter): () => void {
  const meters = claims.get(monitor) ?? new Set()
  if (meters.has(meter)) {
    throw new Error(
      'Expected `meter` to be without the metrics of this monitor, got one that has them: ' +
        'dispose of what opentelemetryMetrics returned before',
    )
  }
  claims.set(monitor, meters.add(meter))
  return () => meters.delete(meter)
}

function observeTotals(monitor: CircuitBreakerMonitor, meter: Meter): () => void {
  const valueType = api.ValueType.INT
  const calls = meter.createObservableCounter('recloser.calls', {
    description: 'Calls by how they ended: success, failure, ignored, late or rejected.',
    unit: '{call}',
    valueType,
  })
  const states = meter.createObservableGauge('recloser.state', {
    description: 'The state of the circuit: 1 for the current one, 0 for the others.',
    valueType,
  })
  const transitions = meter.createObservableCounter('recloser.transitions', {
    description: 'Transitions between states.',
    unit: '{transition}',
    valueType,
  })
  const inFlight = meter.createObservableUpDownCounter('recloser.permits.in_flight', {
    description: 'Calls in flight, including late ones.',
    unit: '{permit}',
    valueType,
  })
  const inForce = meter.createObservableGauge('recloser.fleet.in_force', {
    description: 'Whose state is in force: 1 for that of the fleet, 0 for that of the breaker itself.',
    valueType,
  })
  const links = meter.createObservableGauge('recloser.fleet.link', {
    description:
      'The state of the link to the storage of the fleet: 1 for the current state, 0 for the others.',
    valueType,
  })

  let known = new Set<string>()
  const inFleet = new Set<string>()
  const observe: BatchObservableCallback = (result) => {
    const removed = known
    known = new Set()
    for (const totals of monitor.totals()) {
      const { id: name } = totals
      removed.delete(name)
      known.add(name)
      for (const outcome of OUTCOMES) result.observe(calls, totals.calls[outcome], { name, outcome })
      for (const state of STATES) result.observe(states, state === totals.state ? 1 : 0, { name, state })
      for (const { from, to, count } of transitionsOf(totals))
        result.observe(transitions, count, { name, from, to })
      result.observe(inFlight, totals.inFlight, { name })
      if (!totals.fleet) continue
      const { link } = totals.fleet
      inFleet.add(name)
      result.observe(inForce, totals.scope === 'fleet' ? 1 : 0, { name })
      for (const state of LINKS) result.observe(links, state === link ? 1 : 0, { name, state })
    }
    for (const name of removed) {
      if (inFleet.delete(name)) {
        result.observe(inForce, 0, { name })
        for (const state of LINKS) result.observe(links, 0, { name, state })
      }
      for (const state of STATES) result.observe(states, 0, { name, state })
      result.observe(inFlight, 0, { name })
    }
  }
  const instruments = [calls, states, transitions, inFlight, inForce, links]
  meter.addBatchObservableCallback(observe, instruments)
  return () => meter.removeBatchObservableCallback(observe, instruments)
}

/** Bucket boundaries in seconds, from 1 ms to 65.536 s. */
const BOUNDARIES = Array.from({ length: 17 }, (_, exponent) => 2 ** exponent / 1_000)

function recordDurations(monitor: CircuitBreakerMonitor, meter: Meter): () => void {
  const durations = meter.createHistogram('recloser.call.duration', {
    description: 'Duration of successful and failed calls.',
    unit: 's',
    valueType: api.ValueType.DOUBLE,
    advice: { explicitBucketBoundaries: [...BOUNDARIES] },
  })
  const recorded = new Map<string, () => void>()
  const unfollow = CircuitBreakerMonitor.follow(monitor, {
    added: (id, breaker) => void recorded.set(id, record(breaker, durations, id)),
    removed: (id) => {
      recorded.get(id)?.()
      recorded.delete(id)
    },
  })
  return () => {
    unfollow()
    for (const stop of recorded.values()) stop()
  }
}

/** Records the durations of the same calls as the monitor does. Returns a function that stops this. */
function record(breaker: CircuitBreaker, durations: Histogram, name: string): () => void {
  const circuit = CircuitBreaker.circuitOf(breaker)!
  const attributes = { name }
  return circuit.attach({
    add(end, duration) {
      if ((end !== 'success' && end !== 'failure') || duration === undefined) return
      try {
        durations.record(duration / 1_000, attributes)
      } catch (error) {
        circuit.userCode.report(error)
      }
    },
  })
}
