import type { CallEnd, CallStatistics } from '../core/ports.ts'
import { Durations } from './durations.ts'
import type { CallCounts, DurationHistogram, History, RecentCalls } from './report.ts'
import { bucketIndex, RECENT_BUCKETS, HISTORY_BUCKETS, BUCKET_LENGTH } from './time-buckets.ts'

// The layout of a time bucket: one counter for each way a call can end.
const SUCCESS = 0
const FAILURE = 1
const IGNORED = 2
const LATE = 3
const REJECTED = 4
const ENDS = 5

const NONE = new Uint32Array(0)
const NO_SUMS = new Float64Array(0)

/**
 * The statistics of one breaker, in fixed memory that is allocated at the first call. A call is counted in time bucket
 * `floor(now / 1,000)`, which costs an increment or two. A time bucket that has ended is added to the sums. There is no
 * timer: the next call or the next reader does that.
 */
export class RollingStatistics implements CallStatistics {
  /** When counting started, in the breaker's own time. */
  readonly #since: number
  #newest: number
  /** When the newest time bucket ends. */
  #until = -Infinity
  // How the calls of each time bucket ended, the offset of the newest one, and the sums of those that have ended.
  #ends = NONE
  #offset = 0
  #totals: Float64Array = NO_SUMS
  readonly #durations: Durations = new Durations()

  constructor(now: number) {
    this.#since = now
    this.#newest = Math.floor(now / BUCKET_LENGTH)
  }

  add(end: CallEnd, duration: number | undefined, now: number): void {
    if (now >= this.#until) this.#advance(now)
    const ends = this.#ends
    const offset = this.#offset
    if (end === 'success') ends[offset + SUCCESS]!++
    else if (end === 'failure') ends[offset + FAILURE]!++
    else {
      ends[offset + (end === 'rejected' ? REJECTED : end === 'late' ? LATE : IGNORED)]!++
      return
    }
    if (duration !== undefined) this.#durations.add(duration)
  }

  /** Returns the statistics of the last ten seconds. */
  recent(now: number): RecentCalls {
    this.#catchUp(now)
    const counts = this.#count(RECENT_BUCKETS)
    const completed = counts.success + counts.failure
    const calls = completed + counts.ignored + counts.late + counts.rejected
    const span = now - Math.max(this.#since, (this.#newest - RECENT_BUCKETS + 1) * BUCKET_LENGTH)
    return {
      ...counts,
      span,
      callsPerSecond: (calls * BUCKET_LENGTH) / Math.max(span, BUCKET_LENGTH),
      failureRate: completed > 0 ? counts.failure / completed : null,
      latency: this.#durations.latency,
    }
  }

  /** Returns the last `seconds` time buckets, or fewer if counting started later. */
  history(now: number, seconds: number): History {
    this.#catchUp(now)
    const length = Math.min(seconds, this.#newest - Math.floor(this.#since / BUCKET_LENGTH) + 1)
    const ends = this.#ends
    // Allocated at their final length: a snapshot of many breakers has thousands of these arrays.
    const success = Array<number>(length)
    const failure = Array<number>(length)
    const rejected = Array<number>(length)
    let index = bucketIndex(this.#newest - length, HISTORY_BUCKETS)
    for (let each = 0; each < length; each++) {
      index = index + 1 === HISTORY_BUCKETS ? 0 : index + 1
      const offset = index * ENDS
      success[each] = ends[offset + SUCCESS] ?? 0
      failure[each] = ends[offset + FAILURE] ?? 0
      rejected[each] = ends[offset + REJECTED] ?? 0
    }
    return { success, failure, rejected, p90: this.#durations.p90(length) }
  }

  /** All calls so far, by the way they ended. */
  get total(): CallCounts {
    return this.#count(1, this.#totals)
  }

  /** The histogram of all durations so far. */
  get durations(): DurationHistogram {
    return this.#durations.histogram
  }

  /** Returns the sums of the newest `seconds` time buckets, added to those in `base`. */
  #count(seconds: number, base: Float64Array = NO_SUMS): CallCounts {
    const ends = this.#ends
    const counts = new Float64Array(ENDS)
    counts.set(base)
    for (let ago = 0; ago < seconds; ago++) {
      const offset = bucketIndex(this.#newest - ago, HISTORY_BUCKETS) * ENDS
      for (let end = 0; end < ENDS; end++) counts[end]! += ends[offset + end] ?? 0
    }
    return {
      success: counts[SUCCESS]!,
      failure: counts[FAILURE]!,
      ignored: counts[IGNORED]!,
      late: counts[LATE]!,
      rejected: counts[REJECTED]!,
    }
  }

  /** Advances for a reader. Before the first call there is nothing to keep, so no memory is allocated. */
  #catchUp(now: number): void {
    if (this.#ends.length > 0) this.#advance(now)
    else this.#newest = Math.max(this.#newest, Math.floor(now / BUCKET_LENGTH))
  }

  /** Advances to the time bucket of `now`. Even after a long gap, it begins at most 120 time buckets. */
  #advance(now: number): void {
    const timeBucket = Math.max(this.#newest, Math.floor(now / BUCKET_LENGTH))
    if (this.#ends.length === 0) {
      this.#ends = new Uint32Array(HISTORY_BUCKETS * ENDS)
      this.#totals = new Float64Array(ENDS)
      this.#newest = timeBucket - 1
    } else if (timeBucket > this.#newest) {
      for (let end = 0; end < ENDS; end++) this.#totals[end]! += this.#ends[this.#offset + end]!
      this.#durations.finish()
    } else return
    for (let each = Math.max(this.#newest, timeBucket - HISTORY_BUCKETS) + 1; each <= timeBucket; each++) {
      this.#offset = bucketIndex(each, HISTORY_BUCKETS) * ENDS
      this.#ends.fill(0, this.#offset, this.#offset + ENDS)
      this.#durations.begin(each)
    }
    this.#newest = timeBucket
    this.#until = (timeBucket + 1) * BUCKET_LENGTH
  }
}
