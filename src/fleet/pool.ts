import { DAY, MOST, MOST_BUCKETS, MOST_RINGS } from '../storage/contract/limits.ts'
import type { RingKey } from '../storage/contract/commands.ts'
import type { PooledRing, PooledRun } from '../storage/contract/replies.ts'
import type { ErrorSink } from '../base/error-sink.ts'
import type { TripRule, Verdict, WindowRequest } from '../trip/rule.ts'
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

/** Evaluates a trip rule on the sums of the fleet. */
export class Pool {
  /** The rings that the record keeps for the rule. */
  readonly rings: readonly RingKey[]
  /** For each window of the rule, the index of its ring in `rings`, or -1 if it has no pooled form (F5). */
  readonly ringOf: readonly number[]
  readonly #windows: readonly PooledWindow[]
  readonly #verdict: Verdict

  constructor(rule: TripRule, errors: ErrorSink) {
    const rings: RingKey[] = []
    const ringOf: number[] = []
    const windows: PooledWindow[] = []
    this.#verdict = rule.bind((wanted) => {
      const window = new PooledWindow()
      window.minCalls = wanted.minCalls
      windows.push(window)
      ringOf.push(wanted.time ? indexOf(rings, toKey(wanted.time, wanted.slowerThan ?? rule.slowerThan)) : -1)
      return window
    }, errors)
    check(
      rings.length <= MOST_RINGS,
      'trip',
      `a rule with a number of different windows up to ${MOST_RINGS}, the most that a fleet pools`,
      rings.length,
    )
    this.rings = rings
    this.ringOf = ringOf
    this.#windows = windows
  }

  /** Returns the name of the rule that the sums meet, if any. */
  judge(run: PooledRun, sums: readonly PooledRing[], minReporters: number): string | undefined {
    this.#windows.forEach((window, index) => {
      const ring = sums[this.ringOf[index]!]
      if (ring) window.set(ring, minReporters)
    })
    return this.#verdict(run.reporters < minReporters ? 0 : run.failures)
  }
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
