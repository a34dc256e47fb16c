import type { MonotonicTime } from '../../base/clock.ts'
import { Rejected } from '../../base/rejected.ts'
import type { Outcome } from '../../base/state.ts'
import type { JudgedCircuit, TripRule, Verdict } from '../../trip/rule.ts'
import type { Window } from '../../trip/window/window.ts'
import { Counts } from './counts.ts'

/** Settles one call and passes its result on, as the handlers of a promise do. */
export interface Handlers {
  /** When the call started, if that is measured. */
  readonly start?: number
  readonly onFulfilled: <T>(value: T) => T
  /** `outcome` is given if the error needs no classification. */
  readonly onRejected: (error: unknown, outcome?: Outcome) => Rejected
}

/** Admits calls of a closed circuit without a permit. Used while nothing requires more than counting their results. */
export interface FastPath {
  /** Admits one call; returns `undefined` if the circuit has changed in the meantime. */
  admit(): Handlers | undefined
}

/** What a closed generation needs from its circuit. */
export interface GenerationOwner extends JudgedCircuit {
  readonly time: MonotonicTime
  /** Settles a call that needs more than counting. */
  settle(
    generation: ClosedGeneration,
    permit: undefined,
    threw: boolean,
    payload: unknown,
    outcome?: Outcome,
  ): boolean
}

/**
 * The closed generation: admits every call, and evaluates the trip rule after each failure and each slow call.
 *
 * The two handlers of a plain call are created once per generation. They know which generation a result belongs to, so
 * a plain call needs no state of its own.
 */
export class ClosedGeneration extends Counts implements FastPath, Handlers {
  readonly state = 'closed'
  readonly scope = 'local'
  inFlight = 0
  windows: readonly Window[] = []
  /** Whether a window counts by time. */
  timed = false
  /** Whether counting is all that a success requires. */
  countsOnly = true
  #verdict!: Verdict
  declare readonly onFulfilled: <T>(value: T) => T
  declare readonly onRejected: (error: unknown, outcome?: Outcome) => Rejected

  constructor(circuit: GenerationOwner, rule: TripRule, consecutiveFailures = 0) {
    super(consecutiveFailures)
    this.setRule(rule, circuit)
    this.onFulfilled = (value) => {
      if (circuit.generation !== this || !this.countsOnly) circuit.settle(this, undefined, false, value)
      else if (this.timed) this.#succeed(circuit, value)
      else this.succeed()
      return value
    }
    this.onRejected = (error, outcome) => {
      circuit.settle(this, undefined, true, error, outcome)
      return new Rejected(error)
    }
  }

  /** Admits a call. */
  admit(): Handlers {
    this.inFlight++
    return this
  }

  /** Switches to another rule. */
  setRule(rule: TripRule, circuit: JudgedCircuit): void {
    const { verdict, windows } = rule.toJudge(this.windows, circuit)
    this.#verdict = verdict
    this.windows = windows
    this.timed = windows.some((window) => window.timed)
  }

  /** Counts a plain success in a window of time. The clock may be user code, so the generation is checked again. */
  #succeed(circuit: GenerationOwner, value: unknown): void {
    const now = circuit.time.now()
    if (circuit.generation === this) this.succeed(now)
    else circuit.settle(this, undefined, false, value, 'success')
  }

  /** Counts a success. `now` is required if `timed`. */
  succeed(now?: number): void {
    const { windows } = this
    this.inFlight--
    this.successes++
    this.consecutive = 0
    for (let i = 0; i < windows.length; i++) windows[i]!.add(false, false, now)
  }

  /** Ends a call. Returns true: in a closed generation every call is in time. */
  end(): true {
    this.inFlight--
    return true
  }

  /**
   * Counts a call and returns the name of the rule if it trips. A fast success never trips a rule.
   *
   * @param slow whether the call is slow by the lowest threshold of the rule; each window has its own
   * @param now required if `timed`
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
