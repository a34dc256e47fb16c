import { DAY, MOST, MOST_BUCKETS, MOST_RINGS } from '../storage/contract/limits.ts'
import type { RingKey } from '../storage/contract/commands.ts'
import type { PooledRing, PooledRun } from '../storage/contract/replies.ts'
import type { ErrorSink } from '../base/error-sink.ts'
import type { TripRule, WindowRequest } from '../trip/rule.ts'
import { Window } from '../trip/window/window.ts'
import { check } from '../base/validate.ts'

/** The sums of a window over all processes. Failures and slow calls that too few reporters saw do not count (F6). */
class PooledWindow extends Window {
  override readonly span = ''
  override readonly timed = false

  set(sums: PooledRing, minReporters: number): void {
    this.calls = sums.calls
    this.failures = sums.failureReporters < minReporters ? 0 : sums.failures
    this.slow = sums.slowReporters < minReporters ? 0 : sums.slow
  }

  override add(): void {}
  override expire(): void {}
  override clear(): void {}
}

/** The rings that a record keeps for the windows of a trip rule. */
export interface PooledRings {
  /** The rings. Windows that round to the same numbers share one. */
  readonly rings: readonly RingKey[]
  /** For each window of the rule, the index of its ring in `rings`, or -1 if it has no pooled form (F5). */
  readonly ringOf: readonly number[]
}

const NO_RINGS: PooledRings = { rings: [], ringOf: [] }

/** @throws {RangeError} when the rule has more different windows than a record holds. */
export function toRings(rule: TripRule): PooledRings {
  const rings: RingKey[] = []
  const ringOf: number[] = []
  const request = (wanted: WindowRequest): Window => {
    ringOf.push(wanted.time ? indexOf(rings, toKey(wanted.time, wanted.slowerThan ?? rule.slowerThan)) : -1)
    return new PooledWindow()
  }
  rule.bind(request, { report: () => {} })
  check(
    rings.length <= MOST_RINGS,
    'trip',
    `a rule with a number of different windows up to ${MOST_RINGS}, the most that a fleet pools`,
    rings.length,
  )
  return ringOf.length > 0 ? { rings, ringOf } : NO_RINGS
}

/** Evaluates a trip rule on the sums of the fleet. Returns the name of the rule that they meet, if any. */
export function judgePool(
  rule: TripRule,
  { ringOf }: PooledRings,
  run: PooledRun,
  sums: readonly PooledRing[],
  minReporters: number,
  errors: ErrorSink,
): string | undefined {
  let bound = 0
  const request = ({ minCalls }: WindowRequest): Window => {
    const window = new PooledWindow()
    window.minCalls = minCalls
    const sum = sums[ringOf[bound++]!]
    if (sum) window.set(sum, minReporters)
    return window
  }
  return rule.bind(request, errors)(run.reporters < minReporters ? 0 : run.failures)
}

/** Rounds to the whole numbers of a record. Rules that round to the same numbers share a ring. */
function toKey({ window, buckets }: NonNullable<WindowRequest['time']>, slowerThan: number): RingKey {
  return {
    window: Math.min(DAY, Math.max(1, Math.round(window))),
    buckets: Math.min(MOST_BUCKETS, buckets),
    slowerThan: slowerThan < Infinity ? Math.min(MOST, Math.max(1, Math.round(slowerThan))) : 0,
  }
}

function indexOf(rings: RingKey[], key: RingKey): number {
  const same = (ring: RingKey): boolean =>
    ring.window === key.window && ring.buckets === key.buckets && ring.slowerThan === key.slowerThan
  const found = rings.findIndex(same)
  return found < 0 ? rings.push(key) - 1 : found
}
