import type { CircuitBreakerState, Outcome } from '../base/state.ts'
import type { Admitting, Generation } from './generation/generation.ts'
import type { LeasedGeneration } from './generation/leased.ts'
import type { Lease } from './generation/probe.ts'
import type { Failure, Opening } from './opening.ts'
import type { CallPermit } from './permit.ts'

// What a circuit needs from the layers above it, declared here so that it does not import them.

/** How a call ended, for statistics. */
export type CallEnd = Outcome | 'late' | 'rejected'

/**
 * Counts the ends of calls for a monitor. It is called synchronously as part of each call, without an event object, so
 * that monitoring is cheap. It must not throw and must not call the breaker.
 */
export interface CallStatistics {
  /**
   * Counts one call.
   *
   * @param duration in milliseconds; `undefined` if it says nothing about the dependency
   * @param now the breaker's time
   */
  add(end: CallEnd, duration: number | undefined, now: number): void
}

/** The shared record of a fleet, as last received by a breaker. */
export interface FleetSnapshot {
  /** Whether the storage answers: `'degraded'` means that the breaker decides alone. */
  readonly link: 'connecting' | 'live' | 'degraded'
  /** The state of the record; `null` until it is first received. */
  readonly state: CircuitBreakerState | null
  /** The epoch of the record: grows with every change of its state. */
  readonly epoch: number
  /** Why the record is in that state. */
  readonly reason: string
  /** The reporter that changed the state last; `''` if there is none. */
  readonly by: string
  /** Who made the manual change that the record is in that state by (F9c); `''` if it was none. */
  readonly actor: string
}

/** Why a manual change is made, and by whom, as far as that was given. */
export interface ManualOptions {
  readonly reason?: string | undefined
  readonly actor?: string | undefined
}

/** A breaker as a member of its fleet. */
export interface FleetMember {
  /** Whether every call must go through `admit`, so that the member is notified of it. */
  readonly needsAdmission: boolean
  /** Whether the circuit takes over the state of the record. */
  readonly appliesRecord: boolean
  /** A call is about to be admitted. The first one after an idle time resumes the exchanges with the fleet. */
  use(): void
  /** Waits for a lease if that is all that a call needs to be admitted; returns `undefined` otherwise (F20). */
  awaitLease(signal: AbortSignal | undefined): Promise<void> | undefined
  /** A call was rejected. */
  rejected(): void
  /** Creates the half-open generation of the fleet; `undefined` if the fleet cannot be reached (F26). */
  beginPeriod(): LeasedGeneration | undefined
  /** In mode observe, attaches a lease of the fleet to a call, which makes it a probe (F10). */
  attachLease(call: { lease: Lease | undefined }): void
  /** A generation is about to end, for a reason: its counts are saved for the next exchange. */
  ending(before: Generation, reason: string): void
  /** A call was settled in its generation. */
  settled(
    generation: Admitting,
    permit: CallPermit | undefined,
    outcome: Outcome,
    opening: Opening | undefined,
    failure: Failure,
    slow: boolean,
  ): void
  /** The circuit's own rule has tripped. */
  tripped(opening: Opening): void
  /**
   * A manual change was made here, and must be made in the whole fleet (F9). `openFor`: milliseconds. `changes`: whether
   * the circuit was in another state before.
   */
  manualChange(to: CircuitBreakerState, given: ManualOptions, openFor: number, changes: boolean): void
  /** The options have changed. */
  reconfigure(modeChanged: boolean): void
  /** Returns what is known of the fleet; frozen. */
  snapshot(): FleetSnapshot
  /** Sends unsent counts and returns unused leases (F28). */
  flush(): Promise<void>
}
