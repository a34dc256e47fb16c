import { handleRejection } from './outcome.ts'
import type { Reporter } from './reporter.ts'

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
  readonly #reporter: Reporter
  #last: number = NaN
  #skipped = 0
  #time: number | undefined

  constructor(clock: Clock, reporter: Reporter) {
    this.#clock = clock
    this.#reporter = reporter
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
      this.#reporter.report(error)
      return (this.#time ??= 0)
    }
    reading = Math.floor(reading * TICKS) / TICKS
    if (!(reading >= this.#last)) this.#stepBack(reading)
    this.#last = reading
    return (this.#time = reading + this.#skipped)
  }

  /** Also the first reading, which goes on from the time that was told while there was none. */
  #stepBack(reading: number): void {
    if (this.#time !== undefined) this.#skipped = this.#time - reading
  }
}
