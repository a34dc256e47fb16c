import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  AggregatorRegistry,
  Counter,
  Gauge,
  Registry,
  register as globalRegister,
  type OpenMetricsContentType,
} from 'prom-client'
import { CircuitBreaker } from '../../../src/index.ts'
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { notObjects, notOptionObjects, table } from '../../helpers/bad-values.ts'
import { succeed } from '../../helpers/calls.ts'
import { refused } from '../../helpers/refusal.ts'
import { Scrape } from './scrape.ts'

const NAMES = [
  'recloser_calls_total',
  'recloser_call_duration_seconds',
  'recloser_state',
  'recloser_transitions_total',
  'recloser_permits_in_flight',
  'recloser_fleet_in_force',
  'recloser_fleet_link',
]

function watched(name = 'payments', calls = 1): CircuitBreakerMonitor {
  const monitor = new CircuitBreakerMonitor()
  const breaker = new CircuitBreaker({ name })
  monitor.watch(breaker)
  succeed(breaker, calls)
  return monitor
}

const openMetrics = (): Registry<OpenMetricsContentType> => {
  const register = new Registry<OpenMetricsContentType>()
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  return register
}

const gauge = (name: string, register: Registry): Gauge =>
  new Gauge({ name, help: 'Of somebody else.', registers: [register] })

const names = (register: Pick<Registry, 'getMetricsAsArray'>): string[] =>
  register.getMetricsAsArray().map(({ name }) => name)

describe('in a registry of prom-client, the metrics', () => {
  it('have a help and a type each', async () => {
    const register = new Registry()
    prometheusMetrics(watched(), { register })
    const { text } = await Scrape.of(register)
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type])
    const kinds = ['counter', 'histogram', 'gauge', 'counter', 'gauge', 'gauge', 'gauge']
    assert.deepEqual(
      types,
      NAMES.map((name, index) => [name, kinds[index]]),
    )
    for (const name of NAMES) assert.match(text, new RegExp(`^# HELP ${name} [A-Z].*\\.$`, 'm'))
  })

  it('are available as JSON, one by one and together with other metrics', async () => {
    const register = new Registry()
    new Counter({ name: 'mine_total', help: 'Mine.', registers: [register] }).inc(7)
    prometheusMetrics(watched(), { register })
    assert.deepEqual(names(register), ['mine_total', ...NAMES])

    const json = await register.getMetricsAsJSON()
    const calls = json.find(({ name }) => name === 'recloser_calls_total')!
    assert.equal(calls.aggregator, 'sum')
    assert.deepEqual(calls.values[0], { labels: { name: 'payments', outcome: 'success' }, value: 1 })

    const state = register.getSingleMetric('recloser_state') as Gauge
    const { values } = await state.get()
    assert.deepEqual(
      values.map(({ value }) => value),
      [1, 0, 0, 0],
    )
    const text = await register.getSingleMetricAsString('recloser_permits_in_flight')
    assert.equal(text.split('\n').at(-1), 'recloser_permits_in_flight{name="payments"} 0')
    assert.equal((await Scrape.of(register)).value('mine_total'), 7)
  })

  it('have the default labels, and their own where the names collide', async () => {
    const register = new Registry()
    register.setDefaultLabels({ region: 'eu', state: 'Bavaria' })
    prometheusMetrics(watched(), { register })
    const scraped = await Scrape.of(register)
    const labels = { region: 'eu', name: 'payments' }
    assert.equal(scraped.value('recloser_permits_in_flight', { ...labels, state: 'Bavaria' }), 0)
    assert.equal(scraped.value('recloser_state', { ...labels, state: 'closed' }), 1)
  })

  it('can be merged', async () => {
    const [ours, theirs] = [new Registry(), new Registry()]
    prometheusMetrics(watched(), { register: ours })
    gauge('theirs', theirs).set(3)
    const scraped = await Scrape.of(Registry.merge([ours, theirs]))
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 1)
    assert.equal(scraped.value('theirs'), 3)
  })

  it('of the processes of a cluster add up', async () => {
    const processes = await Promise.all(
      [2, 3].map((calls) => {
        const register = new Registry()
        prometheusMetrics(watched('payments', calls), { register })
        return register.getMetricsAsJSON()
      }),
    )
    const sent = JSON.parse(JSON.stringify(processes)) as object[]
    const scraped = await Scrape.of(AggregatorRegistry.aggregate(sent))
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 5)
    assert.equal(scraped.value('recloser_state', { name: 'payments', state: 'closed' }), 2)
    assert.equal(scraped.value('recloser_call_duration_seconds_count', { name: 'payments' }), 5)
    assert.equal(scraped.value('recloser_call_duration_seconds_bucket', { name: 'payments', le: '+Inf' }), 5)
  })

  it('follow OpenMetrics where the registry does, scrape after scrape', async () => {
    const register = openMetrics()
    const metrics = prometheusMetrics(watched(), { register })
    for (let scrapes = 0; scrapes < 2; scrapes++) {
      const { text } = await Scrape.of(register)
      assert.match(text, /^# TYPE recloser_calls counter$/m)
      assert.match(text, /^recloser_calls_total\{name="payments",outcome="success"\} 1$/m)
      assert.match(text, /^recloser_transitions_total\{name="payments",from="closed",to="open"\} 0$/m)
      assert.match(text, /^recloser_call_duration_seconds_bucket\{le="0.001",name="payments"\} \d$/m)
      assert.match(text, /\n# EOF\n$/)
    }
    metrics[Symbol.dispose]()
    assert.deepEqual(names(register), [])
    prometheusMetrics(watched(), { register })
  })

  it('are gone once they are disposed of, and can be registered again', async () => {
    const register = new Registry()
    gauge('mine', register)
    const monitor = watched()
    const metrics = prometheusMetrics(monitor, { register })
    metrics[Symbol.dispose]()
    assert.deepEqual(names(register), ['mine'])
    const again = prometheusMetrics(monitor, { register })
    metrics[Symbol.dispose]()
    assert.deepEqual(names(register), ['mine', ...NAMES])
    again[Symbol.dispose]()
    assert.deepEqual(names(register), ['mine'])
  })

  it('when disposed of, leave metrics that have replaced them', () => {
    const register = new Registry()
    const metrics = prometheusMetrics(watched(), { register })
    register.clear()
    gauge('recloser_state', register)
    metrics[Symbol.dispose]()
    assert.deepEqual(names(register), ['recloser_state'])
  })

  it('are not reset with the registry: the counts are the monitor’s', async () => {
    const register = new Registry()
    prometheusMetrics(watched(), { register })
    register.resetMetrics()
    const scraped = await Scrape.of(register)
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 1)
  })

  it('may be in several registries, and are not in the global one', async () => {
    const monitor = watched()
    const registers = [new Registry(), new Registry()]
    for (const register of registers) prometheusMetrics(monitor, { register })
    for (const register of registers) assert.deepEqual((await Scrape.of(register)).names, ['payments'])
    assert.deepEqual(names(globalRegister), [])
  })
})

describe('what prometheusMetrics refuses', () => {
  it('a registry that has these metrics already; then it registers none', () => {
    const register = new Registry()
    prometheusMetrics(watched('one'), { register })
    refused(
      () => prometheusMetrics(watched('two'), { register }),
      Error,
      '`register`',
      'recloser_calls_total',
      'let one monitor watch all breakers',
    )

    const other = new Registry()
    gauge('recloser_transitions_total', other)
    refused(() => prometheusMetrics(watched(), { register: other }), Error, 'recloser_transitions_total')
    assert.deepEqual(names(other), ['recloser_transitions_total'])
  })

  table('a monitor', [...notObjects, [undefined, TypeError, '`undefined` (undefined)']], (value, kind, got) =>
    refused(
      () => prometheusMetrics(value, { register: new Registry() }),
      kind,
      '`monitor` to be a CircuitBreakerMonitor',
      got,
    ),
  )
  table('a set of options', notOptionObjects, (value, kind, got) =>
    refused(() => prometheusMetrics(watched(), value), kind, 'prometheus options', got),
  )
  table(
    'a register',
    [...notObjects, [undefined, TypeError, '`undefined` (undefined)']],
    (value, kind, got) =>
      refused(
        () => prometheusMetrics(watched(), { register: value }),
        kind,
        '`register` to be a Registry of prom-client',
        got,
      ),
  )

  it('a registry of prom-client 14 or older, which it recognizes by a method that 15 has changed', () => {
    const old = Object.assign(new Registry(), { getMetricAsPrometheusString: () => '' })
    refused(
      () => prometheusMetrics(watched(), { register: old }),
      TypeError,
      'prom-client 15 ',
      'got prom-client 14 or older',
      'npm install prom-client@latest',
    )
    assert.deepEqual(names(old), [])
  })

  it('an unknown option, a breaker in place of a monitor and a metric in place of a registry', () => {
    const register = new Registry()
    refused(() => prometheusMetrics(watched(), { register, prefix: 'x' } as never), TypeError, '`prefix`')
    refused(() => prometheusMetrics(new CircuitBreaker() as never, { register }), TypeError, '`monitor`')
    const metric = gauge('mine', register)
    refused(() => prometheusMetrics(watched(), { register: metric as never }), TypeError, '`register`')
  })
})
