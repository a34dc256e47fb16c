import type { CircuitBreakerError } from '../base/errors.ts'
import type { CircuitBreakerState, Scope } from '../base/state.ts'

// What the circuit says of itself. What users hear is the same, with the class of the breaker: `src/listener.ts`.

/** Whom an event is about: the breaker that users hold, of which nothing here makes use. */
interface Subject {
  readonly breaker: object
}

/** A call was admitted and is about to run. */
export interface CallAdmitted extends Subject {
  /** The arguments of the call; none for a permit. */
  readonly args: readonly unknown[]
}

/** A call has ended. */
export interface CallEnded extends Subject {
  /** Milliseconds; `undefined` if nobody was interested in it when the call began. */
  readonly duration: number | undefined
  /** The result, if it returned. */
  readonly value?: unknown
  /** The error, if it threw. */
  readonly error?: unknown
}

/** A call was not admitted. */
export interface CallRejected extends Subject {
  readonly error: CircuitBreakerError
}

/** The circuit went from one state to another. */
export interface StateChanged extends Subject {
  readonly from: CircuitBreakerState
  readonly to: CircuitBreakerState
  /**
   * Why: the trip rule's name, `'probeFailed'`, `'probeTimeout'`, `'probeSucceeded'`, `'timeoutElapsed'` (open to
   * half-open), `'manual'` or what was given to a manual transition.
   */
  readonly reason: string
  /** Milliseconds of the wall clock. */
  readonly at: number
  /** Whose state it is from now on: the breaker's own, or that of the fleet. A change of the scope alone is no event. */
  readonly scope: Scope
}

/** In mode `'observe'`: the circuit would have opened. */
export interface WouldHaveTripped extends Subject {
  readonly reason: string
}

/** The link to the storage has come up or gone down, or what the storage has under this name cannot be used. */
export interface LinkChanged extends Subject {
  /** `'degraded'`: the breaker decides alone. */
  readonly state: 'live' | 'degraded'
  /** Why it is degraded: what the storage threw, or how the record is unusable. */
  readonly error: unknown
  /** A transition by hand that the fleet has not heard of: it is offered when the link is back. */
  readonly unsent: CircuitBreakerState | undefined
}

/** Every event, by the name of the method of a listener that hears it. */
export interface CircuitEvents {
  readonly beforeCall: CallAdmitted
  readonly success: CallEnded
  readonly failure: CallEnded
  readonly ignored: CallEnded
  readonly rejected: CallRejected
  readonly late: CallEnded
  readonly stateChange: StateChanged
  readonly wouldTrip: WouldHaveTripped
  readonly link: LinkChanged
}

export type Hook = keyof CircuitEvents
