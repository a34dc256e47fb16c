import assert from 'node:assert/strict'
import type { BreakerTotals, CallCounts, History, Latency, RecentCalls } from '../../../src/monitor/report.ts'
import type { CallEnd } from '../../../src/core/ports.ts'

export interface Call {
  readonly end: CallEnd
  readonly duration: number | undefined
  readonly now: number
}

const secondOf = (now: number): number => Math.floor(now / 1_000)

/** Computes rolling statistics the slow way, from the list of all calls. */
export class Recount {
  readonly #calls: Call[] = []
  readonly #since: number

  constructor(since: number) {
    this.#since = since
  }

  record(call: Call): void {
    this.#calls.push(call)
  }

  get total(): CallCounts {
    return countsOf(this.#calls)
  }

  recent(now: number): Omit<RecentCalls, 'latency'> {
    const first = secondOf(now) - 9
    const calls = this.#calls.filter((call) => secondOf(call.now) >= first)
    const counts = countsOf(calls)
    const judged = counts.success + counts.failure
    const span = Math.min(now - this.#since, now - first * 1_000)
    return {
      ...counts,
      span,
      callsPerSecond: (calls.length * 1_000) / Math.max(span, 1_000),
      failureRate: judged === 0 ? null : counts.failure / judged,
    }
  }

  /** Returns the durations of the last ten seconds. */
  recentDurations(now: number): number[] {
    return durationsOf(this.#calls.filter((call) => secondOf(call.now) >= secondOf(now) - 9))
  }

  /** Returns the durations and the outcomes of each second. */
  history(now: number, seconds: number): Omit<History, 'p90'> & { readonly durations: number[][] } {
    const newest = secondOf(now)
    const length = Math.min(seconds, newest - secondOf(this.#since) + 1)
    const each = Array.from({ length }, (_, index) =>
      this.#calls.filter((call) => secondOf(call.now) === newest - length + 1 + index),
    )
    return {
      success: each.map((calls) => countsOf(calls).success),
      failure: each.map((calls) => countsOf(calls).failure),
      rejected: each.map((calls) => countsOf(calls).rejected),
      durations: each.map(durationsOf),
    }
  }

  get durations(): BreakerTotals['durations'] {
    const durations = durationsOf(this.#calls)
    const bounds = Array.from({ length: 17 }, (_, index) => 2 ** index)
    return {
      bounds,
      cumulative: bounds.map((bound) => durations.filter((duration) => duration <= bound).length),
      count: durations.length,
      sum: durations.reduce((sum, duration) => sum + duration, 0),
    }
  }
}

function countsOf(calls: readonly Call[]): CallCounts {
  const counts = { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 }
  for (const { end } of calls) counts[end]++
  return counts
}

const durationsOf = (calls: readonly Call[]): number[] =>
  calls
    .filter(({ end }) => end === 'success' || end === 'failure')
    .flatMap(({ duration }) => (duration === undefined ? [] : [duration]))

/** Asserts that each percentile is within 4.5 % of the nearest-rank percentile of `durations`. */
export function assertLatency(latency: Latency | null, durations: readonly number[]): void {
  if (durations.length === 0) return assert.equal(latency, null)
  assert.ok(latency)
  assertPercentile(latency.p50, durations, 500)
  assertPercentile(latency.p90, durations, 900)
  assertPercentile(latency.p99, durations, 990)
  assertPercentile(latency.p999, durations, 999)
}

export function assertPercentile(
  reported: number | null,
  durations: readonly number[],
  perMille: number,
): void {
  if (durations.length === 0) return assert.equal(reported, null)
  const sorted = durations.toSorted((a, b) => a - b)
  const truth = sorted[Math.ceil((sorted.length * perMille) / 1_000) - 1]!
  assert.ok(reported !== null && Math.abs(reported - truth) <= 0.045 * truth, `${reported} for ${truth}`)
}
