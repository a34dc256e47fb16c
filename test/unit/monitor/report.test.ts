import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CircuitBreaker, failureRate, type CircuitBreakerOptions } from '../../../src/index.ts'
import { CircuitBreakerMonitor, type BreakerReport } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'

describe('the report on a breaker', () => {
  let clock: ManualClock
  let monitor: CircuitBreakerMonitor

  beforeEach(() => {
    clock = new ManualClock(1_000)
    monitor = new CircuitBreakerMonitor()
  })

  function watched(options: CircuitBreakerOptions = {}): CircuitBreaker {
    const breaker = new CircuitBreaker({ name: 'a', clock, failMax: 2, timeoutDuration: 5_000, ...options })
    monitor.watch(breaker)
    return breaker
  }

  const report = (): BreakerReport => monitor.report('a')!

  /** Makes a call that takes `duration` milliseconds. */
  function call(
    breaker: CircuitBreaker,
    duration: number,
    end: 'success' | 'failure' | 'ignore' = 'success',
  ): void {
    const permit = breaker.acquire()
    clock.advance(duration)
    permit[end]()
  }

  it('is complete before the first call', () => {
    watched()
    assert.deepEqual(report(), {
      id: 'a',
      name: 'a',
      mode: 'enforce',
      state: 'closed',
      scope: 'local',
      health: 'up',
      since: null,
      retryAfter: 0,
      reason: null,
      attempt: 0,
      failCounter: 0,
      inFlight: 0,
      lastFailure: null,
      fleet: null,
      transitions: [],
      recent: {
        span: 0,
        success: 0,
        failure: 0,
        ignored: 0,
        late: 0,
        rejected: 0,
        callsPerSecond: 0,
        failureRate: null,
        latency: null,
      },
      total: { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 },
      history: { success: [0], failure: [0], rejected: [0], p90: [null] },
    })
  })

  it('counts calls by outcome, and has the durations of successes and failures', () => {
    const breaker = watched({ failMax: 3 })
    call(breaker, 100)
    call(breaker, 100)
    call(breaker, 400, 'failure')
    call(breaker, 3_000, 'ignore')
    const late = breaker.acquire()
    breaker.isolate()
    late.success()
    breaker.tryAcquire()
    breaker.tryAcquire()
    const counts = { success: 2, failure: 1, ignored: 1, late: 1, rejected: 2 }
    const { total, recent, history } = report()
    assert.deepEqual(total, counts)
    const { latency, ...rest } = recent
    assert.deepEqual(rest, { ...counts, span: 3_600, callsPerSecond: 7 / 3.6, failureRate: 1 / 3 })
    assert.ok(Math.abs(latency!.p50 - 100) <= 4.5)
    assert.ok(Math.abs(latency!.p90 - 400) <= 18)
    assert.equal(latency!.p999, latency!.p90)
    assert.deepEqual(history.success, [2, 0, 0, 0])
    assert.deepEqual(history.failure, [1, 0, 0, 0])
    assert.deepEqual(history.rejected, [0, 0, 0, 2])
    assert.deepEqual(history.p90, [latency!.p90, null, null, null])
  })

  it('counts every way of calling', async () => {
    const breaker = watched()
    const down = (): never => {
      throw new Error('down')
    }
    await breaker.call(async () => 1)
    await breaker.call(() => 1)
    await breaker.run(async () => 1)
    await breaker.run(async () => 1, { fallback: () => 2 })
    await breaker.wrap(async () => 1)()
    breaker.callSync(() => 1)
    breaker.wrapSync(() => 1)()
    assert.equal(report().total.success, 7)
    await breaker.call(down).catch(() => {})
    await breaker.run(down, { fallback: () => 2 })
    assert.equal(report().total.failure, 2)
    await breaker.call(() => 1).catch(() => {})
    await breaker.run(() => 1, { fallback: () => 2 })
    assert.throws(() => breaker.callSync(() => 1))
    assert.equal(report().total.rejected, 3)
  })

  it('counts a stream without its duration, because its reader sets the pace', () => {
    const breaker = watched()
    const stream = breaker.wrap(function* () {
      yield 1
      yield 2
    })()
    for (const value of stream) clock.advance(value * 1_000)
    assert.equal(report().total.success, 1)
    assert.equal(report().recent.latency, null)
    assert.deepEqual(report().history.p90, [null, null, null, null])
    assert.equal(monitor.totals()[0]?.durations.count, 0)
  })

  it('shows why a circuit is open, for how long, and its transitions', () => {
    const breaker = watched()
    fail(breaker, 2)
    clock.advance(2_000)
    breaker.tryAcquire()
    const { transitions, since, ...rest } = report()
    assert.equal(rest.state, 'open')
    assert.equal(rest.health, 'down')
    assert.equal(rest.reason, 'consecutiveFailures')
    assert.equal(rest.retryAfter, 3_000)
    assert.equal(rest.attempt, 1)
    assert.deepEqual(rest.lastFailure, { name: 'Error', message: 'down' })
    assert.deepEqual(transitions, [
      { id: 'a', from: 'closed', to: 'open', reason: 'consecutiveFailures', at: since, scope: 'local' },
    ])
  })

  it('shows the state that the next call would find', () => {
    const breaker = watched()
    breaker.open()
    clock.advance(5_000)
    assert.equal(report().state, 'half-open')
    assert.equal(report().health, 'degraded')
    assert.equal(report().retryAfter, 0)
    assert.equal(report().transitions.length, 1)
  })

  it('shows the probes of a half-open circuit', () => {
    const breaker = watched({ halfOpen: { calls: 2 }, probeTimeout: 500 })
    breaker.halfOpen()
    const probe = breaker.acquire()
    breaker.acquire()
    assert.equal(breaker.tryAcquire(), undefined)
    assert.equal(report().state, 'half-open')
    assert.equal(report().inFlight, 2)
    assert.equal(report().retryAfter, 500)
    assert.equal(report().total.rejected, 1)
    clock.advance(250)
    probe.success()
    assert.equal(report().total.success, 1)
    assert.ok(report().recent.latency!.p50 > 238 && report().recent.latency!.p50 < 262)
  })

  it('shows an isolated circuit without an end', () => {
    watched().isolate('maintenance')
    const { state, health, reason, retryAfter } = report()
    assert.deepEqual(
      { state, health, reason, retryAfter },
      { state: 'isolated', health: 'down', reason: 'maintenance', retryAfter: null },
    )
  })

  it('has the last five transitions, the latest first', () => {
    const breaker = watched()
    for (let i = 1; i <= 4; i++) {
      breaker.isolate(`in ${i}`)
      breaker.close(`out ${i}`)
    }
    assert.deepEqual(
      report().transitions.map(({ reason }) => reason),
      ['out 4', 'in 4', 'out 3', 'in 3', 'out 2'],
    )
  })

  it('has immutable transitions', () => {
    const breaker = watched()
    breaker.isolate()
    const [transition] = report().transitions
    assert.throws(() => Object.assign(transition!, { reason: 'another' }), TypeError)
    assert.equal(monitor.transitions[0], transition)
  })

  it('counts in mode observe, where nothing is rejected', () => {
    const breaker = watched({ mode: 'observe' })
    fail(breaker, 5)
    const { mode, state, health, total } = report()
    assert.deepEqual({ mode, state, health }, { mode: 'observe', state: 'closed', health: 'up' })
    assert.equal(total.failure, 5)
  })

  it('counts nothing in mode off', async () => {
    const breaker = watched({ mode: 'off' })
    fail(breaker, 5)
    await breaker.call(() => 1)
    assert.equal(report().mode, 'off')
    assert.deepEqual(report().total, { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 })
    breaker.mode = 'enforce'
    succeed(breaker)
    assert.equal(report().total.success, 1)
  })

  it('shows the state of a restored breaker', () => {
    const before = new CircuitBreaker({ clock, timeoutDuration: 5_000 })
    before.open({ reason: 'deploy' })
    watched({ restore: before.snapshot() })
    const { state, reason, attempt, retryAfter } = report()
    assert.deepEqual({ state, reason, attempt }, { state: 'open', reason: 'deploy', attempt: 1 })
    assert.ok(retryAfter! > 4_000 && retryAfter! <= 5_000)
  })

  it('follows an option that is changed', () => {
    const breaker = watched()
    succeed(breaker)
    breaker.configure({ trip: failureRate({ threshold: 0.5, lastCalls: 2 }), callTimeout: 1_000 })
    succeed(breaker)
    fail(breaker)
    assert.equal(report().state, 'open')
    assert.deepEqual(report().total, { success: 2, failure: 1, ignored: 0, late: 0, rejected: 0 })
  })

  it('follows the breaker’s own clock, which may start anywhere and stand still', () => {
    clock.set(-5_500)
    const breaker = watched()
    call(breaker, 1_000)
    clock.set(-9_000)
    call(breaker, 0)
    assert.deepEqual(report().history.success, [0, 2])
    assert.equal(report().recent.span, 1_000)
  })

  it('changes nothing, however often it is asked for', () => {
    const listened: string[] = []
    const breaker = watched({
      listeners: [{ stateChange: ({ to }) => listened.push(to), rejected: () => listened.push('rejected') }],
    })
    fail(breaker, 2)
    clock.advance(5_000)
    const first = monitor.snapshot().breakers
    for (let i = 0; i < 3; i++) {
      monitor.totals()
      monitor.healthReport()
      assert.deepEqual(monitor.snapshot().breakers, first)
    }
    assert.deepEqual(listened, ['open'])
  })

  describe('has a history', () => {
    it('of two minutes, or as many seconds as requested', () => {
      const breaker = watched()
      for (let second = 0; second < 150; second++) {
        for (let i = 0; i < second % 7; i++) succeed(breaker)
        clock.advance(1_000)
      }
      const all = report().history
      assert.equal(all.success.length, 120)
      assert.deepEqual(all.success.slice(-3), [148 % 7, 149 % 7, 0])
      for (const history of [0, 1, 2, 60, 120]) {
        const { success, failure, rejected, p90 } = monitor.report('a', { history })!.history
        assert.deepEqual(success, all.success.slice(120 - history))
        for (const each of [failure, rejected, p90]) assert.equal(each.length, history)
        assert.deepEqual(monitor.snapshot({ history }).breakers[0]?.history.success, success)
      }
    })

    it('that ends with the current second', () => {
      const breaker = watched()
      clock.advance(1_999)
      succeed(breaker)
      assert.deepEqual(report().history.success, [0, 1])
      clock.advance(1)
      assert.deepEqual(report().history.success, [0, 1, 0])
    })
  })

  it('survives JSON, as does all other data', () => {
    const breaker = watched()
    call(breaker, 12.5)
    fail(breaker, 2)
    breaker.tryAcquire()
    breaker.isolate('maintenance')
    const other = new CircuitBreaker({ name: 'b', clock })
    monitor.watch(other)
    call(other, 4_500_000)
    const reports = [
      monitor.snapshot(),
      monitor.snapshot({ history: 0 }),
      monitor.report('a'),
      monitor.totals(),
      monitor.healthReport(),
      monitor.transitions,
    ]
    assert.deepEqual(JSON.parse(JSON.stringify(reports)), reports)
  })

  describe('in a snapshot', () => {
    it('with a version, the time by the wall clock and the worst health', () => {
      watched()
      const before = Date.now()
      const { version, takenAt, health, breakers } = monitor.snapshot()
      assert.equal(version, 1)
      assert.ok(takenAt >= before && takenAt <= Date.now())
      assert.equal(health, 'up')
      assert.deepEqual(breakers, [report()])
    })

    it('is not changed by what happens later', () => {
      const breaker = watched()
      call(breaker, 1)
      breaker.halfOpen()
      const before = [monitor.snapshot(), monitor.totals(), monitor.transitions]
      const copy = structuredClone(before)
      call(breaker, 700, 'failure')
      breaker.close()
      breaker.halfOpen()
      monitor.snapshot()
      assert.deepEqual(before, copy)
    })
  })

  describe('for metrics', () => {
    it('has exact numbers of calls up to each power of two', () => {
      const breaker = watched()
      const durations = [0, 0.5, 1, 1 + 1 / 1024, 2, 3, 64, 65, 65_536, 65_537, 5_000_000]
      for (const duration of durations) call(breaker, duration)
      const [totals] = monitor.totals()
      const { bounds, cumulative, count, sum } = totals!.durations
      assert.deepEqual(bounds.slice(0, 3), [1, 2, 4])
      assert.equal(bounds.at(-1), 65_536)
      assert.deepEqual(
        cumulative,
        bounds.map((bound) => durations.filter((duration) => duration <= bound).length),
      )
      assert.equal(count, durations.length)
      assert.equal(
        sum,
        durations.reduce((total, duration) => total + duration),
      )
    })

    it('counts transitions by from and to', () => {
      const breaker = watched({ failMax: 1 })
      for (let i = 0; i < 3; i++) {
        fail(breaker)
        clock.advance(5_000)
        succeed(breaker)
      }
      breaker.isolate()
      const [{ transitions, state, calls, inFlight }] = monitor.totals() as [
        ReturnType<typeof monitor.totals>[0],
      ]
      assert.deepEqual(transitions, [
        { from: 'closed', to: 'open', count: 3 },
        { from: 'open', to: 'half-open', count: 3 },
        { from: 'half-open', to: 'closed', count: 3 },
        { from: 'closed', to: 'isolated', count: 1 },
      ])
      assert.deepEqual({ state, inFlight }, { state: 'isolated', inFlight: 0 })
      assert.deepEqual(calls, { success: 3, failure: 3, ignored: 0, late: 0, rejected: 0 })
    })

    it('never counts down, not even after two minutes', () => {
      const breaker = watched()
      call(breaker, 10)
      clock.advance(1_000_000)
      assert.equal(monitor.totals()[0]?.calls.success, 1)
      assert.equal(monitor.totals()[0]?.durations.count, 1)
      assert.equal(report().recent.success, 0)
    })
  })
})
