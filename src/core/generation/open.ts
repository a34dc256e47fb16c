import type { Scope } from '../../base/state.ts'
import { Counts } from './counts.ts'

// Milliseconds by which two running clocks may differ. If the wall clock is further ahead, the other one has stopped.
const AGREEMENT = 50

/** The open generation: admits nothing until its length has passed. An isolated one has no end. */
export class OpenGeneration extends Counts {
  declare readonly state: 'open' | 'isolated'
  /** Who opened it and ends it: the circuit itself or the fleet. */
  declare readonly scope: Scope
  readonly inFlight = 0
  readonly #asksWall: boolean
  /** The open time, in milliseconds. */
  length = 0
  #since: number | undefined
  #wallSince = 0
  #wallClock = Date

  /**
   * @param asksWall whether it also ends by the wall clock, because the monotonic clock may stop: while the machine
   * sleeps, or where a test moves only `Date`
   */
  constructor(state: 'open' | 'isolated', asksWall: boolean, scope: Scope = 'local') {
    super()
    this.state = state
    this.scope = scope
    this.#asksWall = asksWall
  }

  /** Sets the end: `length` after `since`, or after `wallSince` if the breaker did not exist when it opened. */
  start(length: number, wallSince: number, since?: number): this {
    this.length = length
    this.#wallSince = wallSince
    this.#wallClock = Date
    this.#since = since
    return this
  }

  /** Milliseconds until a probe may be admitted; 0 or less once it may. */
  remaining(now: number, wallNow: number = Date.now()): number {
    this.#since ??= now - Math.max(0, wallNow - this.#wallSince)
    const elapsed = now - this.#since
    // A test runner has replaced the wall clock: the date of a fake says nothing about the time that has passed.
    if (this.#wallClock !== Date) this.start(this.length, wallNow - elapsed, this.#since)
    const wallElapsed = wallNow - this.#wallSince
    return this.length - (this.#asksWall && wallElapsed > elapsed + AGREEMENT ? wallElapsed : elapsed)
  }
}
