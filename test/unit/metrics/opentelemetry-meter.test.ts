import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Histogram, Meter } from '@opentelemetry/api'
import { AggregationTemporality } from '@opentelemetry/sdk-metrics'
import { CircuitBreaker } from '../../../src/index.ts'
import { opentelemetryMetrics } from '../../../src/metrics/opentelemetry.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { notObjects, notOptionObjects, table } from '../../helpers/bad-values.ts'
import { succeed } from '../../helpers/calls.ts'
import { countStatistics } from '../../helpers/statistics.ts'
import { refused } from '../../helpers/refusal.ts'
import { Collector } from './collector.ts'

const { DELTA } = AggregationTemporality

describe('what opentelemetryMetrics returns', () => {
  it('stops observing and recording, for future breakers as well', async () => {
    const collector = new Collector(DELTA)
    const { meter } = collector
    const monitor = new CircuitBreakerMonitor()
    const before = new CircuitBreaker({ name: 'before' })
    const attached = countStatistics(before)
    monitor.watch(before)
    const baseline = attached()
    const metrics = opentelemetryMetrics(monitor, { meter })
    assert.equal(attached(), baseline + 1)
    metrics[Symbol.dispose]()
    metrics[Symbol.dispose]()
    assert.equal(attached(), baseline)
    const later = new CircuitBreaker({ name: 'later' })
    monitor.watch(later)
    succeed(before)
    succeed(later)
    assert.deepEqual((await collector.collect()).metrics, [])

    opentelemetryMetrics(monitor, { meter })
    succeed(later)
    const collected = await collector.collect()
    assert.deepEqual(collected.names, ['before', 'later'])
    assert.equal(collected.histogram('later')?.count, 1)
  })
})

describe('a meter that throws', () => {
  it('does not affect calls, and is reported', async () => {
    const { meter } = new Collector()
    const broken = Object.create(meter, {
      createHistogram: {
        value: (): Pick<Histogram, 'record'> => ({
          record: () => {
            throw new Error('broken meter')
          },
        }),
      },
    }) as Meter
    const monitor = new CircuitBreakerMonitor()
    const errors: unknown[] = []
    const breaker = new CircuitBreaker({ onListenerError: (error) => errors.push(error) })
    monitor.watch(breaker)
    opentelemetryMetrics(monitor, { meter: broken })
    assert.equal(await breaker.call(() => 'fine'), 'fine')
    assert.equal(monitor.totals()[0]?.calls.success, 1)
    assert.deepEqual(errors.map(String), ['Error: broken meter'])
  })
})

describe('what opentelemetryMetrics refuses', () => {
  it('the same monitor for the same meter, which would record each call twice', () => {
    const { meter } = new Collector()
    const monitor = new CircuitBreakerMonitor()
    const metrics = opentelemetryMetrics(monitor, { meter })
    refused(() => opentelemetryMetrics(monitor, { meter }), Error, '`meter`', 'dispose')
    opentelemetryMetrics(new CircuitBreakerMonitor(), { meter })
    metrics[Symbol.dispose]()
    opentelemetryMetrics(monitor, { meter })
    refused(() => opentelemetryMetrics(monitor, { meter }), Error, '`meter`')
  })

  table('a monitor', [...notObjects, [undefined, TypeError, '`undefined` (undefined)']], (value, kind, got) =>
    refused(() => opentelemetryMetrics(value), kind, '`monitor` to be a CircuitBreakerMonitor', got),
  )
  table('a set of options', notOptionObjects, (value, kind, got) =>
    refused(
      () => opentelemetryMetrics(new CircuitBreakerMonitor(), value),
      kind,
      'opentelemetry options',
      got,
    ),
  )
  table('a meter', notObjects, (value, kind, got) =>
    refused(
      () => opentelemetryMetrics(new CircuitBreakerMonitor(), { meter: value }),
      kind,
      '`meter` to be a Meter of @opentelemetry/api',
      got,
    ),
  )

  it('an unknown option, a breaker for a monitor and a provider for a meter', () => {
    const monitor = new CircuitBreakerMonitor()
    const { provider } = new Collector()
    refused(() => opentelemetryMetrics(monitor, { prefix: 'x' } as never), TypeError, '`prefix`')
    refused(() => opentelemetryMetrics(new CircuitBreaker() as never), TypeError, '`monitor`')
    refused(() => opentelemetryMetrics(monitor, { meter: provider as never }), TypeError, '`meter`')
  })
})
