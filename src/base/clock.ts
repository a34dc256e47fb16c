import { handleRejection } from './outcome.ts'
import type { ErrorSink } from './error-sink.ts'
import { startTimer } from './timer.ts'
import { checkFunction } from './validate.ts'

/** A source of monotonic time in milliseconds. Only differences between readings matter. */
export interface Clock {
  /** Returns the time in milliseconds. */
  now(): number
  /**
   * Calls `callback` once, when `delay` milliseconds have passed, and returns a function that stops the timer. With it
   * the clock also drives `callTimeout`, `ready()` and the checks of supervised calls.
   *
   * @default the timers of the runtime
   */
  readonly setTimer?: ((callback: () => void, delay: number) => () => void) | undefined
}

// Readings are rounded down to 1/1024 ms, so that sums and differences of times are exact in binary: an open time of
// 1,000 ms ends after 1,000 ms, not after 1,000.0000000001.
const TICKS = 1024
const toTicks = (time: number): number => Math.floor(time * TICKS) / TICKS

const own = globalThis.performance
let source = own
let offset = 0

/** Continues the time on another source, and returns it. */
function continueOn(performance: Performance): number {
  const reading = performance.now()
  offset = toTicks(source.now() + offset - (performance === own ? reading : 0))
  source = performance
  return reading + offset
}

/**
 * The default clock. It looks up the global at each reading, because test runners replace it to fake the time. Time goes
 * on at each change: a fake starts at 0 and its reading has passed in full, and back on its own source the clock
 * continues from where the fake left it.
 */
export const systemClock: Clock = {
  // Short, so that engines inline it.
  now: () => {
    const { performance } = globalThis
    return performance === source ? performance.now() + offset : continueOn(performance)
  },
}

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
      if (this.#time > -Infinity) return this.#time
      this.#skipped = -Infinity // so that the first valid reading counts as lower and continues from here
      return (this.#time = 0)
    }
    reading = toTicks(reading)
    const time = reading + this.#skipped
    if (time >= this.#time) return (this.#time = time)
    this.#skipped = this.#time - reading
    return this.#time
  }

  /**
   * Calls `expire` after `delay` milliseconds, on a timer of the clock if it has any. Returns a function that stops the
   * timer. If the clock throws, the error is reported, and a timer of the runtime takes its place.
   */
  startTimer(delay: number, expire: () => void, keepsAlive: boolean): () => void {
    const stop = this.#guard(() => {
      const given = this.#clock.setTimer?.(expire, delay)
      if (given === undefined) return undefined
      handleRejection(given)
      checkFunction(given, 'the result of clock.setTimer()')
      return given
    })
    return stop ? () => this.#guard(stop) : startTimer(delay, expire, keepsAlive)
  }

  #guard<T>(run: () => T): T | undefined {
    try {
      const result = run()
      handleRejection(result)
      return result
    } catch (error) {
      this.#errors.report(error)
      return undefined
    }
  }
}
