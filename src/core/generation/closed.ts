import type { MonotonicTime } from '../../base/clock.ts'
import type { Outcome } from '../../base/state.ts'
import type { DirectCalls, Handlers } from './direct-calls.ts'
import type { Judge, Verdict } from '../../trip/rule.ts'
import type { Window } from '../../trip/window/window.ts'

/** What a closed generation needs from its circuit. */
export interface PeriodOwner {
  readonly generation: object
  readonly time: MonotonicTime
  /** Takes the result of a call that takes more than counting. */
  settle(
    generation: ClosedGeneration,
    permit: undefined,
    threw: boolean,
    payload: unknown,
    told?: Outcome,
  ): boolean
}

/**
 * One closed period: lets every call through and asks the trip rule about each failure.
 *
 * The two handlers of a plain call are made once per period and not per call. They know which period a result belongs
 * to, so the plain call needs no state of its own.
 */
export class ClosedGeneration implements DirectCalls, Handlers {
  readonly state = 'closed'
  readonly scope = 'local'
  inFlight = 0
  successes = 0
  failures = 0
  slow = 0
  /** Consecutive failures. Kept outside the windows: it does not age. */
  run: number
  windows!: readonly Window[]
  /** Whether a result is counted by its time. */
  timed = false
  /** Whether a success needs no more than counting. */
  countsOnly = true
  #verdict!: Verdict
  readonly onFulfilled: <T>(value: T) => T
  readonly onRejected: (error: unknown, told?: Outcome) => never

  constructor(circuit: PeriodOwner, judge: Judge, run = 0) {
    this.judgeBy(judge)
    this.run = run
    this.onFulfilled = (value) => {
      if (circuit.generation !== this || !this.countsOnly) circuit.settle(this, undefined, false, value)
      else if (this.timed) this.#succeed(circuit, value)
      else this.succeed(NaN)
      return value
    }
    this.onRejected = (error, told) => {
      circuit.settle(this, undefined, true, error, told)
      throw error
    }
  }

  /** Admits a plain call. */
  begin(): Handlers {
    this.inFlight++
    return this
  }

  judgeBy(judge: Judge): void {
    this.#verdict = judge.verdict
    this.windows = judge.windows
    this.timed = judge.windows.some((window) => window.timed)
  }

  /** A plain success that is counted by its time. The clock may be the user's. */
  #succeed(circuit: PeriodOwner, value: unknown): void {
    const now = circuit.time.now()
    if (circuit.generation !== this) circuit.settle(this, undefined, false, value, 'success')
    else this.succeed(now)
  }

  /** A success that needs no judging, at `now` if anybody counts by the time. */
  succeed(now: number): void {
    this.inFlight--
    this.successes++
    this.run = 0
    const { windows } = this
    for (let i = 0; i < windows.length; i++) windows[i]!.record(false, false, now)
  }

  enter(): void {
    this.inFlight++
  }

  /** A call ends; there is always a place to give back. */
  leave(): true {
    this.inFlight--
    return true
  }

  /** Counts one call; the name of the rule that it meets, if any. A fast success meets none. */
  record(failed: boolean, duration: number, now: number): string | undefined {
    let slow = false
    const { windows } = this
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i]!
      const isSlow = duration > window.slowerThan
      window.record(failed, isSlow, now)
      if (isSlow) window.everSlow++
      slow ||= isSlow
    }
    if (slow) this.slow++
    if (failed) {
      this.failures++
      this.run++
    } else {
      this.successes++
      this.run = 0
    }
    return failed || slow ? this.#verdict(this.run) : undefined
  }

  clear(): void {
    this.successes = this.failures = this.slow = this.run = 0
    for (const window of this.windows) window.clear()
  }
}
