import { BOUNDS, bucketOf, BUCKETS, durationOf, FIRST_BOUND, groupOf, GROUPS } from './histogram.ts'
import type { DurationHistogram, Latency } from './report.ts'
import { bucketIndex, RECENT_BUCKETS, HISTORY_BUCKETS } from './time-buckets.ts'

const NONE = new Uint32Array(0)
const NO_SUMS = new Float64Array(0)

// What stands for a bucket, each number made once, since a history has 120 of them. Index 0 stands for no call.
const MARKS: readonly (number | null)[] = [
  null,
  ...Array.from({ length: BUCKETS }, (_, bucket) => durationOf(bucket)),
]

// Where sums are worked out for a moment.
const scratch = new Uint32Array(BUCKETS)

/** How long the calls of one breaker took, in fixed memory that is taken when the first second begins. */
export class Durations {
  // A histogram for each recent second, where the newest one is, and how many calls are in the others.
  #seconds = NONE
  #at = 0
  #counts = NONE
  // The 90th percentile of each second that is over, as an index of `MARKS`, and where the newest second's will be.
  #p90 = NONE
  #p90At = 0
  // The sums of the recent seconds that are over, and of all that are over.
  #recent = NONE
  #groups: Float64Array = NO_SUMS
  #sum: Float64Array = NO_SUMS

  add(duration: number): void {
    this.#seconds[this.#at + bucketOf(duration)]!++
    this.#sum[0]! += duration
  }

  /** Begins a second. After a gap, the last 120 are enough. */
  begin(second: number): void {
    if (this.#seconds.length === 0) {
      this.#seconds = new Uint32Array(RECENT_BUCKETS * BUCKETS)
      this.#counts = new Uint32Array(RECENT_BUCKETS)
      this.#p90 = new Uint32Array(HISTORY_BUCKETS)
      this.#recent = new Uint32Array(BUCKETS)
      this.#groups = new Float64Array(GROUPS)
      this.#sum = new Float64Array(1)
    }
    this.#p90At = bucketIndex(second, HISTORY_BUCKETS)
    this.#p90[this.#p90At] = 0
    const index = bucketIndex(second, RECENT_BUCKETS)
    const at = (this.#at = index * BUCKETS)
    if (this.#counts[index] === 0) return
    this.#counts[index] = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#recent[bucket]! -= this.#seconds[at + bucket]!
    this.#seconds.fill(0, at, at + BUCKETS)
  }

  /** The newest second is over. */
  finish(): void {
    const total = this.#countNewest()
    if (total === 0) return
    this.#counts[this.#at / BUCKETS] = total
    this.#p90[this.#p90At] = this.#markNewest()
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const count = this.#seconds[this.#at + bucket]!
      this.#recent[bucket]! += count
      this.#groups[groupOf(bucket)]! += count
    }
  }

  /** The percentiles of the recent seconds. */
  get latency(): Latency | null {
    if (this.#seconds.length === 0) return null
    let total = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      total += scratch[bucket] = this.#recent[bucket]! + this.#seconds[this.#at + bucket]!
    }
    if (total === 0) return null
    const bucketAt = ranked(scratch, 0, total)
    const at = (perMille: number): number => durationOf(bucketAt(perMille))
    return { p50: at(500), p90: at(900), p99: at(990), p999: at(999) }
  }

  /** The 90th percentile of each of the last `seconds`, the newest one included. */
  p90(seconds: number): (number | null)[] {
    const marks = this.#p90
    const percentiles = Array<number | null>(seconds)
    let index = bucketIndex(this.#p90At - seconds, HISTORY_BUCKETS)
    for (let each = 0; each < seconds; each++) {
      index = index + 1 === HISTORY_BUCKETS ? 0 : index + 1
      const mark = each < seconds - 1 ? marks[index] : this.#markNewest()
      percentiles[each] = MARKS[mark ?? 0]!
    }
    return percentiles
  }

  /** All durations that ever were. */
  get histogram(): DurationHistogram {
    const groups = new Float64Array(GROUPS)
    groups.set(this.#groups)
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      groups[groupOf(bucket)]! += this.#seconds[this.#at + bucket] ?? 0
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
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#seconds[this.#at + bucket] ?? 0
    return total
  }

  #markNewest(): number {
    const total = this.#countNewest()
    return total > 0 ? ranked(this.#seconds, this.#at, total)(900) + 1 : 0
  }
}

/** Finds buckets by the nearest rank. Ask in ascending order: it goes through the counts once. */
function ranked(counts: Uint32Array, from: number, total: number): (perMille: number) => number {
  let bucket = -1
  let seen = 0
  return (perMille) => {
    const rank = Math.ceil((total * perMille) / 1_000)
    while (seen < rank) seen += counts[from + ++bucket]!
    return bucket
  }
}
