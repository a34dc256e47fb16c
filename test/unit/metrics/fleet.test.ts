import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AggregationTemporality } from '@opentelemetry/sdk-metrics'
import { Registry } from 'prom-client'
import { CircuitBreaker } from '../../../src/index.ts'
import { opentelemetryMetrics } from '../../../src/metrics/opentelemetry.ts'
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { failing, inWorld, working, type World } from '../fleet/support/world.ts'
import { Collector } from './collector.ts'
import { Scrape } from './scrape.ts'

const LINKS = ['connecting', 'live', 'degraded'] as const

/** The values of the two metrics for a breaker; `undefined` where they are missing. */
interface FleetMetrics {
  readonly inForce: unknown
  readonly links: readonly unknown[]
}

/** A monitor, and how to read the fleet metrics of its breakers through a client. */
interface Client {
  readonly monitor: CircuitBreakerMonitor
  readonly read: (name: string) => Promise<FleetMetrics | undefined>
}

function prometheus(): Client {
  const monitor = new CircuitBreakerMonitor()
  const register = new Registry()
  prometheusMetrics(monitor, { register })
  return {
    monitor,
    async read(name) {
      const scraped = await Scrape.of(register)
      const metrics = ['recloser_fleet_in_force', 'recloser_fleet_link'] as const
      const series = metrics.map((metric) =>
        scraped.of(metric).filter(({ labels }) => labels['name'] === name),
      )
      if (series.flat().length === 0) return undefined
      assert.deepEqual(
        series.map(({ length }) => length),
        [1, LINKS.length],
      )
      return {
        inForce: scraped.value('recloser_fleet_in_force', { name }),
        links: LINKS.map((state) => scraped.value('recloser_fleet_link', { name, state })),
      }
    },
  }
}

function openTelemetry(temporality?: AggregationTemporality): Client & { readonly collector: Collector } {
  const monitor = new CircuitBreakerMonitor()
  const collector = new Collector(temporality)
  opentelemetryMetrics(monitor, { meter: collector.meter })
  return {
    monitor,
    collector,
    async read(name) {
      const collected = await collector.collect()
      const metrics = ['recloser.fleet.in_force', 'recloser.fleet.link'] as const
      const points = metrics.flatMap((metric) =>
        collected.points(metric).filter(({ attributes }) => attributes['name'] === name),
      )
      if (points.length === 0) return undefined
      assert.equal(points.length, 1 + LINKS.length)
      return {
        inForce: collected.value('recloser.fleet.in_force', { name }),
        links: LINKS.map((state) => collected.value('recloser.fleet.link', { name, state })),
      }
    },
  }
}

function member(world: World): ReturnType<World['process']> & { readonly own: CircuitBreaker } {
  const process = world.process()
  return Object.assign(process, { own: process.breaker({ reporter: 'host-a' }) })
}

for (const [client, setUp] of [
  ['Prometheus', prometheus],
  ['OpenTelemetry', openTelemetry],
] as const) {
  describe(`the metrics of a fleet for ${client}`, () => {
    it(
      'show which state is in force, and the state of the link to the storage',
      inWorld(async (world) => {
        const { monitor, read } = setUp()
        const process = member(world)
        const [other] = world.fleet(1)
        monitor.watch(process.own)
        assert.deepEqual(await read('payments'), { inForce: 0, links: [1, 0, 0] })
        await working(process.own)
        await working(other!)
        await world.pass(50)
        assert.deepEqual(await read('payments'), { inForce: 0, links: [0, 1, 0] })
        other!.isolate()
        await world.pass(50)
        assert.deepEqual(await read('payments'), { inForce: 1, links: [0, 1, 0] })
        await world.pass(1_100)
        other!.close()
        await world.pass(50)
        assert.deepEqual(await read('payments'), { inForce: 0, links: [0, 1, 0] })
        process.way = 'refusing'
        await failing(process.own)
        await world.pass(100)
        assert.deepEqual(await read('payments'), { inForce: 0, links: [0, 0, 1] })
      }),
    )

    it(
      'are missing for a breaker without a storage, and for one that is no longer watched',
      inWorld(async (world) => {
        const { monitor, read } = setUp()
        const alone = new CircuitBreaker({ name: 'alone' })
        monitor.watch(alone)
        assert.equal(await read('alone'), undefined)
        const { own } = member(world)
        monitor.watch(own)
        assert.notEqual(await read('payments'), undefined)
        monitor.unwatch(own)
        await read('payments') // OpenTelemetry exports one last zero
        const end = await read('payments')
        if (client === 'Prometheus') assert.equal(end, undefined)
        else assert.deepEqual(end, { inForce: 0, links: [0, 0, 0] })
      }),
    )
  })
}

describe('the metrics of a fleet for OpenTelemetry, with delta temporality,', () => {
  it(
    'are gone after one last zero',
    inWorld(async (world) => {
      const { monitor, collector, read } = openTelemetry(AggregationTemporality.DELTA)
      const { own } = member(world)
      monitor.watch(own)
      assert.deepEqual(await read('payments'), { inForce: 0, links: [1, 0, 0] })
      monitor.unwatch(own)
      assert.deepEqual(await read('payments'), { inForce: 0, links: [0, 0, 0] })
      assert.deepEqual((await collector.collect()).metrics, [])
    }),
  )
})
