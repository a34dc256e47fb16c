import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { Attributes, Meter } from '@opentelemetry/api'
import {
  AggregationTemporality,
  MeterProvider,
  MetricReader,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics'

class PulledReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
}

/** The SDK, with a reader that collects on demand. */
export class Collector {
  readonly provider: MeterProvider
  readonly meter: Meter
  readonly #reader: MetricReader

  constructor(temporality: AggregationTemporality = AggregationTemporality.CUMULATIVE) {
    this.#reader = new PulledReader({ aggregationTemporalitySelector: () => temporality })
    this.provider = new MeterProvider({ readers: [this.#reader] })
    this.meter = this.provider.getMeter('test')
  }

  async collect(): Promise<Collected> {
    const { resourceMetrics, errors } = await this.#reader.collect()
    assert.deepEqual(errors, [])
    return new Collected(resourceMetrics.scopeMetrics)
  }
}

/** The metrics that the SDK would export. */
export class Collected {
  readonly scopes: readonly string[]
  readonly metrics: readonly MetricData[]

  constructor(scopes: readonly ScopeMetrics[]) {
    this.scopes = scopes.map(({ scope }) => scope.name)
    this.metrics = scopes.flatMap((scope) => scope.metrics)
  }

  points(metric: string): readonly DataPoint<unknown>[] {
    const data = this.metrics.find(({ descriptor }) => descriptor.name === metric)
    return data?.dataPoints ?? []
  }

  /** Returns the value of the only point with exactly these attributes. */
  value(metric: string, attributes: Attributes): unknown {
    const found = this.points(metric).filter((each) => isDeepStrictEqual(each.attributes, attributes))
    assert.equal(found.length, 1, `${found.length} points ${metric}${JSON.stringify(attributes)}`)
    return found[0]!.value
  }

  /** Returns the histogram of the durations of a breaker. */
  histogram(name: string): Histogram | undefined {
    const point = this.points('recloser.call.duration').find(({ attributes }) => attributes['name'] === name)
    return point?.value as Histogram | undefined
  }

  /** The names of the breakers whose calls are counted, in order of appearance. */
  get names(): unknown[] {
    return [...new Set(this.points('recloser.calls').map(({ attributes }) => attributes['name']))]
  }
}
