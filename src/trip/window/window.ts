/** Counts completed calls: all of them, the failures, and the slow ones. A slow failure counts as both. */
export abstract class Window {
  calls = 0
  failures = 0
  slow = 0
  /** Slow calls in all, those that are too old among them. */
  everSlow = 0
  /** A call is slow if it takes strictly longer, in milliseconds. */
  slowerThan: number = Infinity
  /** Below this number of calls there is no rate. */
  minCalls = 1
  /** Which calls it covers. When the rule changes, a window of the same span is kept. */
  abstract readonly span: string
  /** Whether it must be told the time. */
  abstract readonly timed: boolean

  /** Counts one call that ended at `now`, which only a window that is `timed` must be told. */
  abstract add(failed: boolean, slow: boolean, now?: number): void

  /** Forgets what is too old at `now`. */
  abstract expire(now: number): void

  abstract clear(): void

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
