import type { MonotonicTime } from '../../base/clock.ts'
import type { Outcome } from '../../base/state.ts'
import type { TripRule, Verdict } from '../../trip/rule.ts'
import type { Window } from '../../trip/window/window.ts'
import { Counts } from './counts.ts'

/** Takes the result of one call and hands it on, as the handlers of a promise do. */
export interface Handlers {
  readonly onFulfilled: <T>(value: T) => T
  /** `outcome`: where the error needs no classifying. */
  readonly onRejected: (error: unknown, outcome?: Outcome) => never
}

/** Admits the calls of a closed circuit that need no permit, since nobody asks more than what became of them. */
export interface FastPath {
  /** Admits one; `undefined` if the circuit has changed meanwhile. */
  admit(): Handlers | undefined
}

/** What a closed generation needs from its circuit. */
export interface GenerationOwner {
  readonly generation: object
  readonly time: MonotonicTime
  /** Takes the result of a call that needs more than counting. */
  settle(
    generation: ClosedGeneration,
    permit: undefined,
    threw: boolean,
    payload: unknown,
    outcome?: Outcome,
  ): boolean
}

/**
 * One closed period: lets every call through and asks the trip rule about each failure.
 *
 * The two handlers of a plain call are made once per period and not per call. They know which period a result belongs
 * to, so the plain call needs no state of its own.
 */
export class ClosedGeneration extends Counts implements FastPath, Handlers {
  readonly state = 'closed'
  readonly scope = 'local'
  inFlight = 0
  windows: readonly Window[] = []
  /** Whether a result is counted by its time. */
  timed = false
  /** Whether a success needs no more than counting. */
  countsOnly = true
  #verdict!: Verdict
  readonly onFulfilled: <T>(value: T) => T
  readonly onRejected: (error: unknown, outcome?: Outcome) => never

  constructor(circuit: GenerationOwner, rule: TripRule, consecutiveFailures = 0) {
    super(consecutiveFailures)
    this.judgeBy(rule)
    this.onFulfilled = (value) => {
      if (circuit.generation !== this || !this.countsOnly) circuit.settle(this, undefined, false, value)
      else if (this.timed) this.#succeed(circuit, value)
      else this.succeed()
      return value
    }
    this.onRejected = (error, outcome) => {
      circuit.settle(this, undefined, true, error, outcome)
      throw error
    }
  }

  /** Admits a call. */
  admit(): Handlers {
    this.inFlight++
    return this
  }

  /** Goes by another rule from now on. */
  judgeBy(rule: TripRule): void {
    const { verdict, windows } = rule.judge(this.windows)
    this.#verdict = verdict
    this.windows = windows
    this.timed = windows.some((window) => window.timed)
  }

  /** A plain success that is counted by its time. The clock may be the user's. */
  #succeed(circuit: GenerationOwner, value: unknown): void {
    const now = circuit.time.now()
    if (circuit.generation === this) this.succeed(now)
    else circuit.settle(this, undefined, false, value, 'success')
  }

  /** A success that needs no judging; `now` is needed only where `timed`. */
  succeed(now?: number): void {
    const { windows } = this
    this.inFlight--
    this.successes++
    this.consecutive = 0
    for (let i = 0; i < windows.length; i++) windows[i]!.add(false, false, now)
  }

  /** A call ends; there is always a place to give back. */
  end(): true {
    this.inFlight--
    return true
  }

  /**
   * Counts one call; the name of the rule that it meets, if any. A fast success meets none. `slow`: by any limit of the
   * rule, each window goes by its own; `now` is needed only where `timed`.
   */
  count(failed: boolean, slow: boolean, duration = 0, now?: number): string | undefined {
    const { windows } = this
    for (let i = 0; i < windows.length; i++) {
      const window = windows[i]!
      const isSlow = slow && duration > window.slowerThan
      window.add(failed, isSlow, now)
      if (isSlow) window.everSlow++
    }
    this.add(failed, slow)
    return failed || slow ? this.#verdict(this.consecutive) : undefined
  }

  override clear(): void {
    super.clear()
    for (const window of this.windows) window.clear()
  }
}
