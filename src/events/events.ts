import type { CircuitBreakerError } from '../base/errors.ts'
import type { CircuitBreakerState, Scope } from '../base/state.ts'

// What a circuit reports. What listeners hear is the same, with the class of the breaker: see `src/listener.ts`.

interface AnyEvent {
  /** The breaker that the event is about. */
  readonly breaker: object
}

/** A call was admitted and is about to run. */
export interface BeforeCall extends AnyEvent {
  /** The arguments of the call; none for a permit. */
  readonly args: readonly unknown[]
}

/** A call has ended. */
export interface CallResult extends AnyEvent {
  /** Milliseconds; `undefined` if nobody was interested in it when the call began. */
  readonly duration: number | undefined
  /** The result, if it returned. */
  readonly value?: unknown
  /** The error, if it threw. */
  readonly error?: unknown
}

/** A call was not admitted. */
export interface Rejected extends AnyEvent {
  readonly error: CircuitBreakerError
}

/** The circuit went from one state to another. */
export interface StateChange extends AnyEvent {
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
export interface WouldTrip extends AnyEvent {
  readonly reason: string
}

/** The link to the storage has come up or gone down, or what the storage has under this name cannot be used. */
export interface Link extends AnyEvent {
  /** `'degraded'`: the breaker decides alone. */
  readonly state: 'live' | 'degraded'
  /** Why it is degraded: what the storage threw, or how the record is unusable. */
  readonly error: unknown
  /** A transition by hand that the fleet has not heard of: it is offered when the link is back. */
  readonly unsent: CircuitBreakerState | undefined
}

/** Every event, by the name of the method of a listener that hears it. */
export interface CircuitEvents {
  readonly beforeCall: BeforeCall
  readonly success: CallResult
  readonly failure: CallResult
  readonly ignored: CallResult
  readonly rejected: Rejected
  readonly late: CallResult
  readonly stateChange: StateChange
  readonly wouldTrip: WouldTrip
  readonly link: Link
}

export type Hook = keyof CircuitEvents
