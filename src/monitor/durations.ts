import { BOUNDS, bucketOf, BUCKETS, durationOf, FIRST_BOUND, groupOf, GROUPS } from './histogram.ts'
import type { DurationHistogram, Latency } from './report.ts'
import { bucketIndex, RECENT_BUCKETS, HISTORY_BUCKETS } from './time-buckets.ts'

const NONE = new Uint32Array(0)
const NO_SUMS = new Float64Array(0)

// The durations that duration buckets are reported as, created once because a history refers to 120 of them. Index 0 is
// for a time bucket without calls, so duration bucket `b` is at index `b + 1`.
const REPORTED: readonly (number | null)[] = [
  null,
  ...Array.from({ length: BUCKETS }, (_, bucket) => durationOf(bucket)),
]

// Scratch memory for a sum; holds nothing between calls.
const scratch = new Uint32Array(BUCKETS)

/** The durations of one breaker's calls, in fixed memory that is allocated when the first time bucket begins. */
export class Durations {
  // A histogram per recent time bucket, the offset of the newest one, and the number of calls in each of the others.
  #histograms = NONE
  #offset = 0
  #counts = NONE
  // The 90th percentile of each time bucket that has ended, as an index into `REPORTED`, and where the newest one is.
  #p90 = NONE
  #p90Index = 0
  // Calls in the recent time buckets that have ended, by duration bucket; calls in all time buckets that have ended, by
  // group; and the sum of all durations.
  #recent = NONE
  #groups: Float64Array = NO_SUMS
  #sum: Float64Array = NO_SUMS

  add(duration: number): void {
    this.#histograms[this.#offset + bucketOf(duration)]!++
    this.#sum[0]! += duration
  }

  /** Begins a time bucket. After a gap, it is enough to begin the last 120. */
  begin(timeBucket: number): void {
    if (this.#histograms.length === 0) {
      this.#histograms = new Uint32Array(RECENT_BUCKETS * BUCKETS)
      this.#counts = new Uint32Array(RECENT_BUCKETS)
      this.#p90 = new Uint32Array(HISTORY_BUCKETS)
      this.#recent = new Uint32Array(BUCKETS)
      this.#groups = new Float64Array(GROUPS)
      this.#sum = new Float64Array(1)
    }
    this.#p90Index = bucketIndex(timeBucket, HISTORY_BUCKETS)
    this.#p90[this.#p90Index] = 0
    const index = bucketIndex(timeBucket, RECENT_BUCKETS)
    const offset = (this.#offset = index * BUCKETS)
    if (this.#counts[index] === 0) return
    this.#counts[index] = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      this.#recent[bucket]! -= this.#histograms[offset + bucket]!
    this.#histograms.fill(0, offset, offset + BUCKETS)
  }

  /** Ends the newest time bucket: adds it to the sums. */
  finish(): void {
    const total = this.#countNewest()
    if (total === 0) return
    this.#counts[this.#offset / BUCKETS] = total
    this.#p90[this.#p90Index] = this.#newestP90()
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#histograms[this.#offset + bucket]!
      this.#recent[bucket]! += count
      this.#groups[groupOf(bucket)]! += count
    }
  }

  /** The percentiles over the recent time buckets; `null` if they have no calls. */
  get latency(): Latency | null {
    if (this.#histograms.length === 0) return null
    let total = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      total += scratch[bucket] = this.#recent[bucket]! + this.#histograms[this.#offset + bucket]!
    }
    if (total === 0) return null
    const bucketAt = ranked(scratch, 0, total)
    const percentile = (perMille: number): number => durationOf(bucketAt(perMille))
    return { p50: percentile(500), p90: percentile(900), p99: percentile(990), p999: percentile(999) }
  }

  /** Returns the 90th percentile of each of the last `seconds` time buckets, including the newest. */
  p90(seconds: number): (number | null)[] {
    const entries = this.#p90
    const percentiles = Array<number | null>(seconds)
    let index = bucketIndex(this.#p90Index - seconds, HISTORY_BUCKETS)
    for (let each = 0; each < seconds; each++) {
      index = index + 1 === HISTORY_BUCKETS ? 0 : index + 1
      const entry = each < seconds - 1 ? entries[index] : this.#newestP90()
      percentiles[each] = REPORTED[entry ?? 0]!
    }
    return percentiles
  }

  /** The histogram of all durations so far. */
  get histogram(): DurationHistogram {
    const groups = new Float64Array(GROUPS)
    groups.set(this.#groups)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      groups[groupOf(bucket)]! += this.#histograms[this.#offset + bucket] ?? 0
    }
    const cumulative: number[] = []
    let count = 0
    for (let group = 0; group < GROUPS; group++) {
      count += groups[group]!
      if (group >= FIRST_BOUND && cumulative.length < BOUNDS.length) cumulative.push(count)
    }
    return { bounds: BOUNDS, cumulative, count, sum: this.#sum[0] ?? 0 }
  }

  #countNewest(): number {
    let total = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#histograms[this.#offset + bucket] ?? 0
    return total
  }

  #newestP90(): number {
    const total = this.#countNewest()
    return total > 0 ? ranked(this.#histograms, this.#offset, total)(900) + 1 : 0
  }
}

/**
 * Returns a function that finds the duration bucket of a percentile by nearest rank. Call it in ascending order: it
 * walks the counts once.
 */
function ranked(counts: Uint32Array, offset: number, total: number): (perMille: number) => number {
  let bucket = -1
  let seen = 0
  return (perMille) => {
    const rank = Math.ceil((total * perMille) / 1_000)
    while (seen < rank) seen += counts[offset + ++bucket]!
    return bucket
  }
}
