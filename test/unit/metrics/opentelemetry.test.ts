import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { metrics } from '@opentelemetry/api'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import * as fc from 'fast-check'
import { CircuitBreaker, CircuitBreakerRegistry, never } from '../../../src/index.ts'
import { opentelemetryMetrics } from '../../../src/metrics/opentelemetry.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { Collector, type Collected } from './collector.ts'
import { atMost, drive, steps, sum } from './traffic.ts'

const { CUMULATIVE, DELTA } = AggregationTemporality
const BOUNDS = Array.from({ length: 17 }, (_, exponent) => 2 ** exponent)

function setUp(temporality?: AggregationTemporality): {
  clock: ManualClock
  monitor: CircuitBreakerMonitor
  collector: Collector
  watch: (name: string) => CircuitBreaker
  collect: () => Promise<Collected>
} {
  const clock = new ManualClock()
  const monitor = new CircuitBreakerMonitor()
  const collector = new Collector(temporality)
  opentelemetryMetrics(monitor, { meter: collector.meter })
  const watch = (name: string): CircuitBreaker => {
    const breaker = new CircuitBreaker({ name, clock, failMax: 2, timeoutDuration: 1_000 })
    monitor.watch(breaker)
    return breaker
  }
  return { clock, monitor, collector, watch, collect: () => collector.collect() }
}

function take(breaker: CircuitBreaker, clock: ManualClock, duration: number): void {
  const permit = breaker.acquire()
  clock.advance(duration)
  permit.success()
}

describe('the metrics for OpenTelemetry', () => {
  it('describe an outage, with the numbers of the monitor', async () => {
    const { clock, monitor, watch, collect } = setUp()
    const payments = watch('payments')
    watch('stock')
    const [hanging, late] = [payments.acquire(), payments.acquire()]
    succeed(payments, 3)
    payments.acquire().ignore()
    fail(payments, 2)
    payments.tryAcquire()
    late.success()
    clock.advance(1_000)
    succeed(payments)
    payments.isolate()

    const collected = await collect()
    const [totals] = monitor.totals()
    for (const [outcome, count] of Object.entries({
      success: 4,
      failure: 2,
      ignored: 1,
      late: 1,
      rejected: 1,
    })) {
      assert.equal(collected.value('recloser.calls', { name: 'payments', outcome }), count)
      assert.equal(totals!.calls[outcome as 'success'], count)
      assert.equal(collected.value('recloser.calls', { name: 'stock', outcome }), 0)
    }
    for (const [state, value] of Object.entries({ closed: 0, open: 0, 'half-open': 0, isolated: 1 })) {
      assert.equal(collected.value('recloser.state', { name: 'payments', state }), value)
    }
    for (const [from, to] of [
      ['closed', 'open'],
      ['open', 'half-open'],
      ['half-open', 'closed'],
      ['closed', 'isolated'],
    ] as const) {
      assert.equal(collected.value('recloser.transitions', { name: 'payments', from, to }), 1)
    }
    assert.equal(
      collected.value('recloser.transitions', { name: 'payments', from: 'half-open', to: 'open' }),
      0,
    )
    assert.equal(collected.value('recloser.permits.in_flight', { name: 'payments' }), 1)
    assert.equal(collected.histogram('payments')?.count, 6)
    hanging.ignore()
  })

  it('are instruments of the right kind, with the right units', async () => {
    const { watch, collect } = setUp()
    succeed(watch('payments'))
    const { metrics } = await collect()
    assert.deepEqual(
      metrics.map((metric) => [
        metric.descriptor.name,
        metric.descriptor.unit,
        metric.dataPointType === DataPointType.SUM ? { monotonic: metric.isMonotonic } : metric.dataPointType,
      ]),
      [
        ['recloser.calls', '{call}', { monotonic: true }],
        ['recloser.state', '', DataPointType.GAUGE],
        ['recloser.transitions', '{transition}', { monotonic: true }],
        ['recloser.permits.in_flight', '{permit}', { monotonic: false }],
        ['recloser.call.duration', 's', DataPointType.HISTOGRAM],
      ],
    )
    for (const { descriptor } of metrics) assert.match(descriptor.description, /^[A-Z].*\.$/)
  })

  it('have the durations of successes and failures in seconds, in the same buckets as for Prometheus', async () => {
    const { clock, monitor, watch, collect } = setUp()
    const payments = watch('payments')
    for (const duration of [0, 1, 2, 3, 1_024, 1_026, 65_536, 65_664]) take(payments, clock, duration)
    payments.acquire().failure()
    payments.acquire().ignore()

    const value = (await collect()).histogram('payments')!
    assert.deepEqual(
      value.buckets.boundaries,
      BOUNDS.map((bound) => bound / 1_000),
    )
    const { durations } = monitor.totals()[0]!
    assert.deepEqual(durations.bounds, BOUNDS)
    const cumulative = value.buckets.counts.map((_, index, counts) =>
      counts.slice(0, index + 1).reduce((total, count) => total + count, 0),
    )
    assert.deepEqual(cumulative, [...durations.cumulative, durations.count])
    assert.deepEqual([value.count, value.sum], [9, 133.256])
  })

  it('are exact, whatever was done', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(steps, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(CUMULATIVE, DELTA),
        async (lists, temporality) => {
          const { clock, monitor, collect } = setUp(temporality)
          const tallies = lists.map((list, index) => {
            const breaker = new CircuitBreaker({ name: `b${index}`, clock, trip: never() })
            monitor.watch(breaker)
            return drive(breaker, clock, list)
          })
          const collected = await collect()
          tallies.forEach((tally, index) => {
            const name = `b${index}`
            for (const [outcome, count] of Object.entries(tally.calls)) {
              assert.equal(collected.value('recloser.calls', { name, outcome }), count)
            }
            for (const [key, count] of tally.transitions) {
              const [from, to] = key.split('>') as [string, string]
              assert.equal(collected.value('recloser.transitions', { name, from, to }), count)
            }
            assert.equal(collected.value('recloser.permits.in_flight', { name }), tally.inFlight)
            const histogram = collected.histogram(name)
            assert.equal(histogram?.count ?? 0, tally.durations.length)
            assert.ok(Math.abs((histogram?.sum ?? 0) - sum(tally) / 1_000) < 1e-9)
            let seen = 0
            for (const [at, bound] of BOUNDS.entries()) {
              seen += histogram?.buckets.counts[at] ?? 0
              assert.equal(seen, atMost(tally, bound))
            }
          })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('reach an exporter through a periodic reader', async () => {
    const exporter = new InMemoryMetricExporter(CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const monitor = new CircuitBreakerMonitor()
    opentelemetryMetrics(monitor, { meter: provider.getMeter('shop') })
    const payments = new CircuitBreaker({ name: 'payments' })
    monitor.watch(payments)
    succeed(payments, 3)
    await provider.forceFlush()

    const [scope] = exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
    assert.equal(scope!.scope.name, 'shop')
    const points = scope!.metrics.flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ ...attributes, metric: descriptor.name, value })),
    )
    assert.ok(
      points.some(
        (point) =>
          JSON.stringify(point) ===
          '{"name":"payments","outcome":"success","metric":"recloser.calls","value":3}',
      ),
      JSON.stringify(points),
    )
    await provider.shutdown()
  })

  it('go to the global meter provider if no meter is given', async () => {
    const collector = new Collector()
    metrics.setGlobalMeterProvider(collector.provider)
    try {
      const monitor = new CircuitBreakerMonitor()
      opentelemetryMetrics(monitor)
      monitor.watch(new CircuitBreaker({ name: 'payments' }))
      const { scopes, names } = await collector.collect()
      assert.deepEqual(scopes, ['recloser'])
      assert.deepEqual(names, ['payments'])
    } finally {
      metrics.disable()
    }
  })

  it('can be registered without an SDK, which does nothing', () => {
    const monitor = new CircuitBreakerMonitor()
    const metrics = opentelemetryMetrics(monitor)
    const breaker = new CircuitBreaker()
    monitor.watch(breaker)
    succeed(breaker)
    metrics[Symbol.dispose]()
    assert.equal(monitor.totals()[0]?.calls.success, 1)
  })

  it('follow a registry from the first call of each breaker to its eviction', async () => {
    const { clock, monitor, collect } = setUp(DELTA)
    const hosts = new CircuitBreakerRegistry({ max: 2, options: () => ({ clock }) })
    monitor.watch(hosts)
    const evicted = hosts.get('a')
    take(evicted, clock, 5)
    take(hosts.get('b'), clock, 5)
    take(hosts.get('c'), clock, 5)
    take(evicted, clock, 5)

    const collected = await collect()
    assert.deepEqual(collected.names, ['b', 'c'])
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => collected.histogram(name)?.count),
      [1, 1, 1],
    )
    hosts.delete('b')
    assert.deepEqual((await collect()).names, ['c'])
  })

  it('are exported at every collection while the breaker is watched', async () => {
    const { watch, collect } = setUp()
    const payments = watch('payments')
    payments.isolate()
    payments.close()
    payments.acquire()
    for (let collections = 0; collections < 3; collections++) {
      const collected = await collect()
      assert.equal(collected.value('recloser.state', { name: 'payments', state: 'closed' }), 1)
      assert.equal(collected.value('recloser.permits.in_flight', { name: 'payments' }), 1)
    }
  })

  it('have no duration for a generator, because its consumer sets the pace', async () => {
    const { clock, watch, collect } = setUp()
    const payments = watch('payments')
    const pages = payments.wrap(function* () {
      yield 1
    })
    for (const page of pages()) clock.advance(page)
    assert.equal(collected(await collect()), undefined)
    take(payments, clock, 5)
    assert.deepEqual(collected(await collect()), [1, 0.005])

    function collected(all: Collected): [number, number | undefined] | undefined {
      assert.ok(Number(all.value('recloser.calls', { name: 'payments', outcome: 'success' })) > 0)
      const histogram = all.histogram('payments')
      return histogram && [histogram.count, histogram.sum]
    }
  })

  it('of a breaker that is no longer watched end with one last zero', async () => {
    const { monitor, watch, collect } = setUp(DELTA)
    const payments = watch('payments')
    payments.isolate()
    await collect()
    monitor.unwatch(payments)

    const last = await collect()
    assert.deepEqual(last.names, [])
    assert.equal(last.value('recloser.state', { name: 'payments', state: 'isolated' }), 0)
    assert.equal(last.value('recloser.permits.in_flight', { name: 'payments' }), 0)
    assert.deepEqual((await collect()).metrics, [])
  })

  it('do not show such a breaker as open forever, where the SDK repeats the last value', async () => {
    const { monitor, watch, collect } = setUp(CUMULATIVE)
    const payments = watch('payments')
    fail(payments, 2)
    assert.equal((await collect()).value('recloser.state', { name: 'payments', state: 'open' }), 1)
    monitor.unwatch(payments)
    for (let collections = 0; collections < 3; collections++) {
      const collected = await collect()
      for (const { attributes, value } of collected.points('recloser.state')) {
        assert.deepEqual([attributes['name'], value], ['payments', 0])
      }
    }
    monitor.watch(payments)
    const collected = await collect()
    assert.equal(collected.value('recloser.state', { name: 'payments', state: 'open' }), 1)
    assert.equal(collected.value('recloser.calls', { name: 'payments', outcome: 'failure' }), 0)
  })

  it('are right for two readers of different temporality', async () => {
    const clock = new ManualClock()
    const monitor = new CircuitBreakerMonitor()
    const [cumulative, delta] = [new Collector(CUMULATIVE), new Collector(DELTA)]
    for (const { meter } of [cumulative, delta]) opentelemetryMetrics(monitor, { meter })
    const payments = new CircuitBreaker({ name: 'payments', clock })
    monitor.watch(payments)
    const counts = async (collector: Collector): Promise<unknown[]> => {
      const collected = await collector.collect()
      return [
        collected.value('recloser.calls', { name: 'payments', outcome: 'success' }),
        collected.histogram('payments')?.count,
      ]
    }
    take(payments, clock, 5)
    assert.deepEqual(
      [await counts(cumulative), await counts(delta)],
      [
        [1, 1],
        [1, 1],
      ],
    )
    take(payments, clock, 5)
    take(payments, clock, 5)
    assert.deepEqual(
      [await counts(cumulative), await counts(delta)],
      [
        [3, 3],
        [2, 2],
      ],
    )
  })

  it('distinguish two breakers of one name', async () => {
    const { clock, watch, collect } = setUp()
    const [, second] = [watch('payments'), watch('payments')]
    take(second, clock, 5)
    const collected = await collect()
    assert.deepEqual(collected.names, ['payments', 'payments (2)'])
    assert.equal(collected.histogram('payments'), undefined)
    assert.equal(collected.histogram('payments (2)')?.count, 1)
  })

  it('survive any name', async () => {
    const names = ['', 'say "hello"\n', '<img src=x>', '日本 🚦', 'x'.repeat(10_240)]
    const { watch, collect } = setUp()
    for (const name of names) succeed(watch(name))
    const collected = await collect()
    assert.deepEqual(collected.names, names)
    for (const name of names) assert.equal(collected.histogram(name)?.count, 1)
  })
})
