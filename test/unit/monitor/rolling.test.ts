import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { RollingStatistics } from '../../../src/monitor/rolling.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import type { CallEnd } from '../../../src/core/ports.ts'
import { parameters } from '../model/parameters.ts'
import { assertLatency, assertPercentile, Recount } from './recount.ts'

const TICK = 1 / 1024

const anyEnd = fc.constantFrom<CallEnd>('success', 'failure', 'ignored', 'late', 'rejected')
const ticks = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max }).map((n) => n * TICK)
/** Durations in milliseconds, as a breaker measures them; a call may have none. */
const anyDuration = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 31 }).chain((n) => ticks(2 ** n)) },
  { weight: 1, arbitrary: fc.constant(undefined) },
)
const anyPause = fc.oneof(
  { weight: 8, arbitrary: ticks(900 * 1024) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 15 }).map((n) => n * 1_000) },
  { weight: 1, arbitrary: ticks(300_000 * 1024) },
)
const anyCall = fc.record({ end: anyEnd, duration: anyDuration, pause: anyPause })
const anyStart = fc.integer({ min: -200_000 * 1024, max: 200_000 * 1024 }).map((n) => n * TICK)
const anyCalls = fc.array(anyCall, { maxLength: 60, size: 'max' })

function assertSame(statistics: RollingStatistics, recount: Recount, now: number, seconds: number): void {
  const { latency, ...recent } = statistics.recent(now)
  assert.deepEqual(recent, recount.recent(now))
  assertLatency(latency, recount.recentDurations(now))
  const { p90, ...history } = statistics.history(now, seconds)
  const { durations, ...expected } = recount.history(now, seconds)
  assert.deepEqual(history, expected)
  assert.equal(p90.length, durations.length)
  durations.forEach((each, index) => assertPercentile(p90[index]!, each, 900))
  assert.deepEqual(statistics.total, recount.total)
  assert.deepEqual(statistics.durations, recount.durations)
}

describe('the rolling statistics', () => {
  it('equal a recount of all calls, read after each of them and some time later', () => {
    fc.assert(
      fc.property(
        anyStart,
        anyCalls,
        anyPause,
        fc.integer({ min: 0, max: 120 }),
        (start, calls, rest, seconds) => {
          const statistics = new RollingStatistics(start)
          const recount = new Recount(start)
          let now = start
          for (const { end, duration, pause } of calls) {
            now += pause
            statistics.add(end, duration, now)
            recount.record({ end, duration, now })
            assertSame(statistics, recount, now, seconds)
          }
          assertSame(statistics, recount, now + rest, 120)
        },
      ),
      { ...parameters, numRuns: Math.ceil(parameters.numRuns / 4) },
    )
  })

  it('are the same, whether they were read in between or not', () => {
    fc.assert(
      fc.property(anyStart, anyCalls, anyPause, (start, calls, rest) => {
        const read = new RollingStatistics(start)
        const left = new RollingStatistics(start)
        let now = start
        for (const { end, duration, pause } of calls) {
          now += pause
          read.recent(now)
          read.history(now, 120)
          for (const each of [read, left]) each.add(end, duration, now)
        }
        now += rest
        assert.deepEqual(read.recent(now), left.recent(now))
        assert.deepEqual(read.history(now, 120), left.history(now, 120))
        assert.deepEqual(read.total, left.total)
        assert.deepEqual(read.durations, left.durations)
      }),
      parameters,
    )
  })

  it('have percentiles within 4.5 % for ten thousand calls of a skewed load', () => {
    const statistics = new RollingStatistics(0)
    const durations: number[] = []
    for (let index = 0; index < 10_000; index++) {
      const duration = Math.floor(40 * Math.exp(2 * Math.sin(index)) * 1024) / 1024
      durations.push(duration)
      statistics.add('success', duration, index * 0.9)
    }
    assertLatency(statistics.recent(9_000).latency, durations)
  })

  it('drop a call in the tenth second after its own, and its second after two minutes', () => {
    const statistics = new RollingStatistics(0)
    statistics.add('failure', 5, 999)
    assert.equal(statistics.recent(9_999).failure, 1)
    assert.equal(statistics.recent(10_000).failure, 0)
    assert.equal(statistics.recent(10_000).latency, null)
    assert.equal(statistics.history(119_999, 120).failure[0], 1)
    assert.equal(statistics.history(120_000, 120).failure.includes(1), false)
    assert.equal(statistics.total.failure, 1)
  })

  it('are empty before the first call', () => {
    const statistics = new RollingStatistics(1_500)
    assert.deepEqual(statistics.recent(3_500), {
      success: 0,
      failure: 0,
      ignored: 0,
      late: 0,
      rejected: 0,
      span: 2_000,
      callsPerSecond: 0,
      failureRate: null,
      latency: null,
    })
    assert.deepEqual(statistics.history(3_500, 120), {
      success: [0, 0, 0],
      failure: [0, 0, 0],
      rejected: [0, 0, 0],
      p90: [null, null, null],
    })
    const { count, sum, cumulative } = statistics.durations
    assert.deepEqual({ count, sum, cumulative }, { count: 0, sum: 0, cumulative: Array(17).fill(0) })
  })

  it('count a call that is recorded late in the newest second', () => {
    const statistics = new RollingStatistics(0)
    statistics.add('success', 1, 5_000)
    statistics.add('success', 1, 4_000)
    assert.deepEqual(statistics.history(5_000, 2).success, [0, 2])
  })

  it('leave out a call whose end is unknown', () => {
    const clock = new ManualClock(1_000)
    const breaker = new CircuitBreaker({ clock })
    const before = [breaker.acquire(), breaker.acquire()] as const
    const statistics = new RollingStatistics(0)
    CircuitBreaker.circuitOf(breaker)!.attach(statistics)
    before[0].failure()
    breaker.acquire().success()
    before[1].failure()
    assert.deepEqual(statistics.history(1_000, 2).success, [0, 1])
    assert.equal(statistics.recent(1_000).success, 1)
    assert.equal(statistics.recent(1_000).failure, 0)
  })

  it('report the rate of less than a second as if it were a whole one', () => {
    const statistics = new RollingStatistics(100)
    statistics.add('success', 0, 100)
    assert.equal(statistics.recent(100).callsPerSecond, 1)
    assert.equal(statistics.recent(600).callsPerSecond, 1)
    assert.equal(statistics.recent(2_100).callsPerSecond, 0.5)
  })
})
