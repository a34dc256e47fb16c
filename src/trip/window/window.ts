/** Counts completed calls: all of them, the failures, and the slow ones. A slow failure counts as both. */
export abstract class Window {
  calls = 0
  failures = 0
  slow = 0
  /** The total number of slow calls, including expired ones. */
  everSlow = 0
  /** The largest number of calls that it held before calls expired last. */
  protected peak = 0
  /** When it began to count, if it counts by time. */
  since: number | undefined
  /** The last answer of a custom rule. */
  answer = false
  /** A call that takes longer than this number of milliseconds is slow. */
  slowerThan: number = Infinity
  /** The number of calls below which the rates are `null`. */
  minCalls = 1
  /** Identifies the calls that it covers. When the rule changes, windows with the same span are kept. */
  abstract readonly span: string
  /** Whether it counts by time. */
  abstract readonly timed: boolean

  /** Counts one call that ended at `now`, which is required if `timed`. */
  abstract add(failed: boolean, slow: boolean, now?: number): void

  /** Drops the calls that have expired at `now`. */
  abstract expire(now: number): void

  /** Drops all calls. */
  abstract clear(): void

  /** The largest number of calls that it has held while the last 101 calls ended, if it counts by time. */
  get recent(): number {
    return this.calls
  }

  /** The largest number of calls that it has held. */
  get most(): number {
    return Math.max(this.peak, this.calls)
  }

  /** Failures per call; `null` below `minCalls`. */
  get failureRate(): number | null {
    return this.#rate(this.failures)
  }

  /** Slow calls per call; `null` below `minCalls`. */
  get slowCallRate(): number | null {
    return this.#rate(this.slow)
  }

  #rate(count: number): number | null {
    return this.calls > 0 && this.calls >= this.minCalls ? count / this.calls : null
  }
}
