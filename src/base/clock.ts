import { handleRejection } from './outcome.ts'
import type { ErrorSink } from './error-sink.ts'

/** A source of monotonic time in milliseconds. Only differences between readings matter. */
export interface Clock {
  now(): number
}

// Looked up once: the global is a getter, and asking it costs a quarter of the reading.
const { performance } = globalThis

/** The default clock. */
export const systemClock: Clock = { now: () => performance.now() }

// A reading is rounded down to this part of a millisecond, so that sums and differences of times are exact:
// what ends after 1,000 ms ends after 1,000 ms, not after 1,000.0000000001.
const TICKS = 1024

/**
 * The breaker's own time: it never goes back. A reading that is lower than the last one means that no time has
 * passed, and time goes on from there at normal speed. A reading that is no finite number, or a clock that throws,
 * stops time and is reported.
 */
export class MonotonicTime {
  readonly #clock: Clock
  readonly #errors: ErrorSink
  // Before the first reading: any is later.
  #time: number = -Infinity
  /** What is added to a reading. */
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

  /** Without a reading; the first that comes goes on from what is told here. */
  #stand(): number {
    if (this.#time > -Infinity) return this.#time
    this.#skipped = -Infinity // makes the first reading lower than this
    return (this.#time = 0)
  }

  /** From the time that was told last, with a reading that is lower. */
  #goOn(reading: number): number {
    this.#skipped = this.#time - reading
    return this.#time
  }
}
