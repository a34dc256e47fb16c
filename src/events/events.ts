import type { CircuitBreakerError } from '../base/errors.ts'
import type { CircuitBreakerState, Scope } from '../base/state.ts'

// The events of a circuit. Listeners receive the same ones, typed with the breaker's class: see `src/listener.ts`.

/** What all events have in common. */
interface AnyEvent {
  /** The breaker that the event is about. */
  readonly breaker: object
}

/** A call was admitted and is about to run. */
export interface BeforeCall extends AnyEvent {
  /** The arguments of the call; empty for a permit. */
  readonly args: readonly unknown[]
}

/** A call has ended. */
export interface CallResult extends AnyEvent {
  /** Milliseconds from the start of the call; `undefined` if nothing needed durations when it started. */
  readonly duration: number | undefined
  /** The result, if the call returned. */
  readonly value?: unknown
  /** The error, if the call threw. */
  readonly error?: unknown
}

/** A call was not admitted. */
export interface Rejected extends AnyEvent {
  /** The error that the caller received. */
  readonly error: CircuitBreakerError
}

/** A fallback has ended, and with it the call. */
export interface FallbackResult extends AnyEvent {
  /** Why the fallback ran: the error that it received. */
  readonly error: unknown
  /** The result of the fallback. The event does not have it if the fallback itself failed. */
  readonly value?: unknown
}

/** The circuit changed its state. */
export interface StateChange extends AnyEvent {
  /** The previous state. */
  readonly from: CircuitBreakerState
  /** The new state. */
  readonly to: CircuitBreakerState
  /**
   * Why the state changed: the name of a trip rule, `'probeFailed'`, `'probeTimeout'`, `'probeSucceeded'`,
   * `'timeoutElapsed'` (open to half-open), or the reason of a manual transition, by default `'manual'`.
   */
  readonly reason: string
  /** When the state changed, in milliseconds of the wall clock. */
  readonly at: number
  /** Whose state it is now: the breaker's own, or the fleet's. A change of the scope alone is not an event. */
  readonly scope: Scope
}

/** In mode `'observe'`, the circuit would have opened. */
export interface WouldTrip extends AnyEvent {
  /** The name of the trip rule, or the reason for which the fleet has opened. */
  readonly reason: string
}

/**
 * The link to the storage was lost or restored, the record is unusable, or a manual change could not be sent or was
 * overtaken.
 */
export interface Link extends AnyEvent {
  /** `'degraded'` means that the breaker decides alone. */
  readonly state: 'live' | 'degraded'
  /** Why the link is degraded: the error of the storage, or what makes the record unusable. */
  readonly error: unknown
  /** The target of a manual transition that could not be sent to the fleet; it is sent again once the link is back. */
  readonly unsent: CircuitBreakerState | undefined
  /** Set if a manual transition of this breaker was not made because another process has made a newer one (F9b). */
  readonly overtaken: Overtaken | undefined
}

/** What stands instead of a manual transition that another process has overtaken (F9b). */
export interface Overtaken {
  /** The state of the fleet. */
  readonly to: CircuitBreakerState
  /** The reporter that caused it. */
  readonly by: string
  /** Who made the newer manual transition. */
  readonly actor: string
  /** Why the fleet is in that state. */
  readonly reason: string
}

/** The events of a circuit, by the name of the listener method that receives them. */
export interface CircuitEvents {
  readonly beforeCall: BeforeCall
  readonly success: CallResult
  readonly failure: CallResult
  readonly ignored: CallResult
  readonly rejected: Rejected
  readonly late: CallResult
  readonly fallback: FallbackResult
  readonly stateChange: StateChange
  readonly wouldTrip: WouldTrip
  readonly link: Link
}

/** The name of a listener method. */
export type Hook = keyof CircuitEvents
