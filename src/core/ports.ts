import type { CircuitBreakerState, Outcome } from '../base/state.ts'
import type { Admitting, Generation } from './generation/generation.ts'
import type { LeasedGeneration } from './generation/leased.ts'
import type { Failure, Opening } from './opening.ts'
import type { CallPermit } from './permit.ts'

// What a circuit needs from the layers above it, so that it need not know them.

/** How a call ended, for those who count calls. */
export type CallEnd = Outcome | 'late' | 'rejected'

/**
 * Told of every end of a call, as part of the call and without an event being made: for a monitor, which must be
 * cheap. It must not throw and must not call the breaker.
 */
export interface CallStatistics {
  /** `duration` in ms, where it says anything about the dependency; `now` by the breaker's own time. */
  add(end: CallEnd, duration: number | undefined, now: number): void
}

/** The shared record, as a breaker last heard of it. */
export interface FleetSnapshot {
  /** Whether the storage answers. */
  readonly link: 'connecting' | 'live' | 'degraded'
  /** The state of the record; `null` while nothing has been heard. */
  readonly state: CircuitBreakerState | null
  /** Grows with every change of it. */
  readonly epoch: number
  /** Why it is in that state. */
  readonly reason: string
  /** The reporter that brought it there, or `''`. */
  readonly by: string
}

/** A breaker as a member of its fleet. */
export interface FleetMember {
  /** Whether every call must pass through `admit`, so that the member sees it. */
  readonly needsAdmission: boolean
  /** Whether the circuit goes by the shared state. */
  readonly appliesRecord: boolean
  /** A call is about to be admitted; the first after a rest makes the member take part again. */
  use(): void
  /** Waits for permission to be a probe, where a call needs nothing else to be admitted (F20). */
  awaitLease(signal: AbortSignal | undefined): Promise<void> | undefined
  /** A call was rejected. */
  rejected(): void
  /** A half-open period of the fleet; `undefined` if there is no fleet to go by (F26). */
  beginPeriod(): LeasedGeneration | undefined
  /** In mode observe, a call that is given a lease is a probe all the same (F10). */
  attachLease(permit: CallPermit): void
  /** A generation ends: what it has counted is kept. */
  ended(before: Generation, next: Generation): void
  /** A call has ended in time. */
  settled(
    generation: Admitting,
    permit: CallPermit | undefined,
    outcome: Outcome,
    opening: Opening | undefined,
    failure: Failure,
    slow: boolean,
  ): void
  /** The circuit has opened by its own rule. */
  tripped(opening: Opening, error: unknown): void
  /** A transition by hand was made here, and is to be made everywhere (F9). */
  manualChange(to: CircuitBreakerState, reason: string, openFor: number): void
  /** The options have changed. */
  reconfigure(modeChanged: boolean): void
  /** What is known of the fleet; frozen. */
  snapshot(): FleetSnapshot
  /** Sends what has not been sent and gives back what is not used (F28). */
  flush(): Promise<void>
}
