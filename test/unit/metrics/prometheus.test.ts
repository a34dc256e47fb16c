import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Registry } from 'prom-client'
import { STATES } from '../../../src/base/state.ts'
import { CircuitBreaker, CircuitBreakerRegistry, never } from '../../../src/index.ts'
import { prometheusMetrics } from '../../../src/metrics/prometheus.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { countStatistics } from '../../helpers/statistics.ts'
import { Scrape } from './scrape.ts'
import { atMost, drive, steps, sum } from './traffic.ts'

const OUTCOMES = ['success', 'failure', 'ignored', 'late', 'rejected'] as const
const BOUNDS = Array.from({ length: 17 }, (_, exponent) => 2 ** exponent)

function setUp(...names: string[]): {
  clock: ManualClock
  register: Registry
  monitor: CircuitBreakerMonitor
  breakers: CircuitBreaker[]
  scrape: () => Promise<Scrape>
} {
  const clock = new ManualClock()
  const register = new Registry()
  const monitor = new CircuitBreakerMonitor()
  prometheusMetrics(monitor, { register })
  const breakers = names.map(
    (name) => new CircuitBreaker({ name, clock, failMax: 2, timeoutDuration: 1_000 }),
  )
  for (const breaker of breakers) monitor.watch(breaker)
  return { clock, register, monitor, breakers, scrape: () => Scrape.of(register) }
}

describe('the metrics for Prometheus', () => {
  it('count calls by their outcome', async () => {
    const { clock, breakers, scrape } = setUp('payments', 'stock')
    const [payments] = breakers as [CircuitBreaker]
    const late = payments.acquire()
    succeed(payments, 3)
    payments.acquire().ignore()
    fail(payments, 2)
    payments.tryAcquire()
    payments.tryAcquire()
    payments.tryAcquire()
    late.success()
    clock.advance(1_000)
    succeed(payments)

    const scraped = await scrape()
    const counted = OUTCOMES.map((outcome) =>
      scraped.value('recloser_calls_total', { name: 'payments', outcome }),
    )
    assert.deepEqual(counted, [4, 2, 1, 1, 3])
    for (const outcome of OUTCOMES) {
      assert.equal(scraped.value('recloser_calls_total', { name: 'stock', outcome }), 0)
    }
    assert.equal(scraped.of('recloser_calls_total').length, 10)
  })

  it('show the current state as 1 and the other three as 0, even if no call has noticed it', async () => {
    const { clock, breakers, scrape } = setUp('payments')
    const [payments] = breakers as [CircuitBreaker]
    const states = async (): Promise<number[]> => {
      const scraped = await scrape()
      assert.equal(scraped.of('recloser_state').length, 4)
      return STATES.map((state) => scraped.value('recloser_state', { name: 'payments', state }))
    }
    assert.deepEqual(STATES, ['closed', 'open', 'half-open', 'isolated'])
    assert.deepEqual(await states(), [1, 0, 0, 0])
    fail(payments, 2)
    assert.deepEqual(await states(), [0, 1, 0, 0])
    clock.advance(1_000)
    assert.deepEqual(await states(), [0, 0, 1, 0])
    payments.isolate()
    assert.deepEqual(await states(), [0, 0, 0, 1])
    payments.close()
    assert.deepEqual(await states(), [1, 0, 0, 0])
  })

  it('count transitions by from and to; those of the usual cycle start at zero', async () => {
    const { clock, breakers, scrape } = setUp('payments')
    const [payments] = breakers as [CircuitBreaker]
    const transitions = async (): Promise<Record<string, number>> => {
      const samples = (await scrape()).of('recloser_transitions_total')
      return Object.fromEntries(
        samples.map(({ labels, value }) => [`${labels['from']} → ${labels['to']}`, value]),
      )
    }
    const cycle = {
      'closed → open': 0,
      'open → half-open': 0,
      'half-open → open': 0,
      'half-open → closed': 0,
    }
    assert.deepEqual(await transitions(), cycle)
    fail(payments, 2)
    clock.advance(1_000)
    fail(payments)
    clock.advance(1_000)
    succeed(payments)
    payments.isolate()
    assert.deepEqual(await transitions(), {
      'closed → open': 1,
      'open → half-open': 2,
      'half-open → open': 1,
      'half-open → closed': 1,
      'closed → isolated': 1,
    })
  })

  it('show the calls in flight', async () => {
    const { breakers, scrape } = setUp('payments')
    const [payments] = breakers as [CircuitBreaker]
    const inFlight = async (): Promise<number> =>
      (await scrape()).value('recloser_permits_in_flight', { name: 'payments' })
    const permits = [payments.acquire(), payments.acquire(), payments.acquire()]
    assert.equal(await inFlight(), 3)
    permits[0]!.success()
    assert.equal(await inFlight(), 2)
  })

  it('have a histogram of durations in seconds: a bucket includes its bound', async () => {
    const { clock, breakers, scrape } = setUp('payments')
    const [payments] = breakers as [CircuitBreaker]
    for (const duration of [0, 1, 2, 3, 1_024, 1_025, 65_536, 65_537]) {
      const permit = payments.acquire()
      clock.advance(duration)
      permit.success()
    }
    const scraped = await scrape()
    const bucket = (le: string): number =>
      scraped.value('recloser_call_duration_seconds_bucket', { name: 'payments', le })
    assert.deepEqual(
      ['0.001', '0.002', '0.004', '0.512', '1.024', '2.048', '32.768', '65.536', '+Inf'].map(bucket),
      [2, 3, 4, 4, 5, 6, 6, 7, 8],
    )
    assert.equal(scraped.of('recloser_call_duration_seconds_bucket').length, 18)
    assert.equal(scraped.value('recloser_call_duration_seconds_sum', { name: 'payments' }), 133.128)
    assert.equal(scraped.value('recloser_call_duration_seconds_count', { name: 'payments' }), 8)
  })

  it('have no duration for a generator, because its consumer sets the pace', async () => {
    const { clock, breakers, scrape } = setUp('payments')
    const pages = breakers[0]!.wrap(function* () {
      yield 1
    })
    for (const page of pages()) clock.advance(page)
    const scraped = await scrape()
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 1)
    assert.equal(scraped.value('recloser_call_duration_seconds_count', { name: 'payments' }), 0)
  })

  it('are exact, whatever was done', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 3 }), async (lists) => {
        const { clock, monitor, scrape } = setUp()
        const tallies = lists.map((list, index) => {
          const breaker = new CircuitBreaker({ name: `b${index}`, clock, trip: never() })
          monitor.watch(breaker)
          return drive(breaker, clock, list)
        })
        const scraped = await scrape()
        tallies.forEach((tally, index) => {
          const name = `b${index}`
          for (const outcome of OUTCOMES) {
            assert.equal(scraped.value('recloser_calls_total', { name, outcome }), tally.calls[outcome])
          }
          for (const bound of BOUNDS) {
            const labels = { name, le: String(bound / 1_000) }
            assert.equal(scraped.value('recloser_call_duration_seconds_bucket', labels), atMost(tally, bound))
          }
          const { length } = tally.durations
          assert.equal(scraped.value('recloser_call_duration_seconds_bucket', { name, le: '+Inf' }), length)
          assert.equal(scraped.value('recloser_call_duration_seconds_count', { name }), length)
          assert.equal(scraped.value('recloser_call_duration_seconds_sum', { name }), sum(tally) / 1_000)
          for (const [key, count] of tally.transitions) {
            const [from, to] = key.split('>') as [string, string]
            assert.equal(scraped.value('recloser_transitions_total', { name, from, to }), count)
          }
          assert.equal(scraped.value('recloser_permits_in_flight', { name }), tally.inFlight)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('include the breakers that are watched already', async () => {
    const monitor = new CircuitBreakerMonitor()
    const breaker = new CircuitBreaker({ name: 'payments' })
    monitor.watch(breaker)
    succeed(breaker, 2)
    const register = new Registry()
    prometheusMetrics(monitor, { register })
    const scraped = await Scrape.of(register)
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 2)
    assert.equal(scraped.value('recloser_call_duration_seconds_count', { name: 'payments' }), 2)
  })

  it('leave out a breaker from the next scrape after it is unwatched', async () => {
    const { monitor, breakers, scrape } = setUp('payments', 'stock')
    assert.deepEqual((await scrape()).names, ['payments', 'stock'])
    monitor.unwatch(breakers[0]!)
    const scraped = await scrape()
    assert.deepEqual(scraped.names, ['stock'])
    assert.ok(!scraped.text.includes('payments'))
  })

  it('leave out a breaker that its registry has evicted, and include its replacement', async () => {
    const { monitor, scrape } = setUp()
    const hosts = new CircuitBreakerRegistry({ max: 2 })
    monitor.watch(hosts)
    hosts.get('a')
    hosts.get('b')
    assert.deepEqual((await scrape()).names, ['a', 'b'])
    hosts.get('c')
    assert.deepEqual((await scrape()).names, ['b', 'c'])
    assert.equal((await scrape()).samples.length, 2 * (5 + 20 + 4 + 4 + 1))
  })

  it('distinguish two breakers of one name', async () => {
    const { breakers, scrape } = setUp('payments', 'payments')
    succeed(breakers[1]!)
    const scraped = await scrape()
    assert.deepEqual(scraped.names, ['payments', 'payments (2)'])
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments', outcome: 'success' }), 0)
    assert.equal(scraped.value('recloser_calls_total', { name: 'payments (2)', outcome: 'success' }), 1)
  })

  it('survive any name', async () => {
    const names = [
      '',
      'say "hello"',
      'back\\slash',
      'trailing\\',
      'new\nline',
      'carriage\rreturn',
      '\\n',
      '{a="b",c="d"} 7',
      '# HELP recloser_state',
      '<img src=x onerror=alert(1)>',
      'größer, 日本, 🚦',
      'x'.repeat(10_240),
    ]
    const { breakers, scrape } = setUp(...names)
    for (const breaker of breakers) succeed(breaker)
    const scraped = await scrape()
    assert.deepEqual(scraped.names, names)
    for (const name of names) {
      assert.equal(scraped.value('recloser_calls_total', { name, outcome: 'success' }), 1, name)
      assert.equal(scraped.value('recloser_call_duration_seconds_bucket', { name, le: '+Inf' }), 1, name)
    }
  })

  it('are read from the monitor once per scrape', async () => {
    const { register, monitor, scrape } = setUp('payments')
    let readings = 0
    const totals = monitor.totals.bind(monitor)
    monitor.totals = () => {
      readings++
      return totals()
    }
    await scrape()
    assert.equal(readings, 1)
    await Promise.all([scrape(), register.getMetricsAsJSON()])
    assert.equal(readings, 2)
    await scrape()
    assert.equal(readings, 3)
  })

  it('add no listeners to a call', () => {
    const { monitor } = setUp()
    const [scraped, alone] = [new CircuitBreaker(), new CircuitBreaker()]
    const [ofScraped, ofAlone] = [countStatistics(scraped), countStatistics(alone)]
    monitor.watch(scraped)
    new CircuitBreakerMonitor().watch(alone)
    assert.equal(ofAlone(), 1)
    assert.equal(ofScraped(), ofAlone())
  })
})
