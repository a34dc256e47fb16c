import type { Clock } from '../base/clock.ts'
import { check, nonNegative } from '../base/validate.ts'

/**
 * A clock that stands still until it is told to move.
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

  /** `start`: the first reading, in milliseconds. Default 0. */
  constructor(start = 0) {
    this.#now = checkTime(start, 'start')
  }

  now(): number {
    return this.#now
  }

  /** Lets `duration` milliseconds pass. */
  advance(duration: number): void {
    nonNegative(duration, 'duration')
    this.#now += duration
  }

  /** Moves to a reading, which may be an earlier one: that is what broken clocks do. */
  set(time: number): void {
    this.#now = checkTime(time, 'time')
  }
}

function checkTime(time: unknown, name: string): number {
  check(typeof time === 'number' && Number.isFinite(time), name, 'a finite number', time)
  return time
}
