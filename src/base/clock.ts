import { handleRejection } from './outcome.ts'
import type { ErrorSink } from './error-sink.ts'

/** A source of monotonic time in milliseconds. Only differences between readings matter. */
export interface Clock {
  /** Returns the time in milliseconds. */
  now(): number
}

// Cached: the global is a getter, which costs a quarter of a reading.
const { performance } = globalThis

/** The default clock. */
export const systemClock: Clock = { now: () => performance.now() }

// Readings are rounded down to 1/1024 ms, so that sums and differences of times are exact in binary: an open time of
// 1,000 ms ends after 1,000 ms, not after 1,000.0000000001.
const TICKS = 1024

/**
 * The breaker's time, which never goes back. If a reading is lower than the previous one, the time stays the same and
 * advances normally from there. If the clock throws or returns anything but a finite number, the error is reported and
 * the time stays the same.
 */
export class MonotonicTime {
  readonly #clock: Clock
  readonly #errors: ErrorSink
  // No reading yet. Any reading is later.
  #time: number = -Infinity
  /** The offset from a reading to the time. */
  #skipped = 0

  constructor(clock: Clock, errors: ErrorSink) {
    this.#clock = clock
    this.#errors = errors
  }

  now(): number {
    let reading: number
    try {
      reading = this.#clock.now()
      if (typeof reading !== 'number' || reading - reading !== 0) {
        handleRejection(reading)
        throw new RangeError('Expected `clock.now()` to return a finite number')
      }
    } catch (error) {
      this.#errors.report(error)
      return this.#stand()
    }
    reading = Math.floor(reading * TICKS) / TICKS
    const time = reading + this.#skipped
    return (this.#time = time >= this.#time ? time : this.#goOn(reading))
  }

  /** Returns the time when there is no valid reading. */
  #stand(): number {
    if (this.#time > -Infinity) return this.#time
    this.#skipped = -Infinity // so that the first valid reading counts as lower and continues from here
    return (this.#time = 0)
  }

  /** Continues from the last time after a lower reading. */
  #goOn(reading: number): number {
    this.#skipped = this.#time - reading
    return this.#time
  }
}
