import type { Clock } from '../base/clock.ts'
import { check, nonNegative } from '../base/validate.ts'

/**
 * A clock that advances only when a test moves it.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { ManualClock } from 'recloser/testing'
 *
 * const clock = new ManualClock()
 * const breaker = new CircuitBreaker({ clock, timeoutDuration: 5_000 })
 * breaker.open()
 * clock.advance(5_000)
 * console.log(breaker.state) // half-open
 * ```
 */
export class ManualClock implements Clock {
  #now: number

  /**
   * Creates a clock whose first reading is `start`, in milliseconds; 0 unless given.
   *
   * @throws {TypeError | RangeError} when `start` is not a finite number.
   */
  constructor(start = 0) {
    this.#now = checkTime(start, 'start')
  }

  /** Returns the current reading, in milliseconds. */
  now(): number {
    return this.#now
  }

  /**
   * Advances the clock by `duration` milliseconds.
   *
   * @throws {TypeError | RangeError} when `duration` is not a finite number of at least 0.
   */
  advance(duration: number): void {
    nonNegative(duration, 'duration')
    this.#now += duration
  }

  /**
   * Sets the reading, in milliseconds. It may be an earlier one, to simulate a clock that is set back.
   *
   * @throws {TypeError | RangeError} when `time` is not a finite number.
   */
  set(time: number): void {
    this.#now = checkTime(time, 'time')
  }
}

function checkTime(time: unknown, name: string): number {
  check(typeof time === 'number' && Number.isFinite(time), name, 'a finite number', time)
  return time
}
