import { Window } from './window.ts'

// The fields of a bucket.
const CALLS = 0
const FAILURES = 1
const SLOW = 2
const FIELDS = 3

/** As many calls are recent as failures after which an inert rule is reported (S19c). */
const RECENT_CALLS = 101

/**
 * The calls of the last `length` milliseconds, exact to one bucket: a call that ends at `t` belongs to bucket
 * `floor(t / width)`, and the newest `buckets` count. A ring buffer with running totals: O(1) per call, and O(buckets)
 * after a gap of any length.
 */
export class TimeWindow extends Window {
  override readonly span: string
  override readonly timed = true
  readonly #ring: Float64Array
  readonly #buckets: number
  readonly #width: number
  #newest = -Infinity
  // The number of calls before the newest bucket, and the recent peaks: how many calls were held before calls expired,
  // and when, as a number of calls. Each is lower than the one before.
  #seen = 0
  #peaks: { held: number; seen: number }[] = []
  // The offset of the newest bucket in the ring, and the time until which it is certainly the newest: that saves a
  // division per call.
  #at = 0
  #certainUntil = -Infinity

  constructor(length: number, buckets: number, span: string) {
    super()
    this.span = span
    this.#ring = new Float64Array(buckets * FIELDS)
    this.#buckets = buckets
    this.#width = length / buckets
  }

  override add(failed: boolean, slow: boolean, now: number): void {
    if (!(now < this.#certainUntil)) this.#advance(now)
    const ring = this.#ring
    const at = this.#at
    ring[at + CALLS]! += 1
    this.calls++
    if (failed) {
      ring[at + FAILURES]! += 1
      this.failures++
    }
    if (slow) {
      ring[at + SLOW]! += 1
      this.slow++
    }
  }

  override expire(now: number): void {
    if (this.since !== undefined) this.#advance(now)
  }

  override get recent(): number {
    const earliest = this.#seen + this.#ring[this.#at + CALLS]! - RECENT_CALLS
    const peak = this.#peaks.find(({ seen }) => seen > earliest)
    return Math.max(peak?.held ?? 0, this.calls)
  }

  #advance(now: number): void {
    this.since ??= now
    const newest = Math.floor(now / this.#width)
    if (newest <= this.#newest) return
    this.peak = this.most
    this.#notePeak()
    if (newest - this.#newest >= this.#buckets) this.#drop()
    else for (let i = newest - this.#newest; i > 0; i--) this.#empty(this.#offset(this.#newest + i))
    this.#newest = newest
    this.#at = this.#offset(newest)
    this.#certainUntil = (newest + 0.999) * this.#width
  }

  #notePeak(): void {
    this.#seen += this.#ring[this.#at + CALLS]!
    const peaks = this.#peaks
    while (peaks.length > 0 && peaks.at(-1)!.held <= this.calls) peaks.pop()
    while (peaks.length > 0 && peaks[0]!.seen <= this.#seen - RECENT_CALLS) peaks.shift()
    peaks.push({ held: this.calls, seen: this.#seen })
  }

  override clear(): void {
    this.#drop()
    this.peak = this.#seen = 0
    this.#peaks = []
    this.since = undefined
    this.#certainUntil = -Infinity
  }

  #drop(): void {
    this.calls = this.failures = this.slow = 0
    this.#ring.fill(0)
  }

  #empty(at: number): void {
    const ring = this.#ring
    this.calls -= ring[at + CALLS]!
    this.failures -= ring[at + FAILURES]!
    this.slow -= ring[at + SLOW]!
    ring.fill(0, at, at + FIELDS)
  }

  /** Returns the offset of a bucket in the ring. Bucket numbers may be negative. */
  #offset(bucket: number): number {
    const index = bucket % this.#buckets
    return (index < 0 ? index + this.#buckets : index) * FIELDS
  }
}
