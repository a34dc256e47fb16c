import type { CircuitBreakerState } from '../../base/state.ts'

/** The limits on the probes of one half-open period (F17). All are integers. */
export interface ProbePolicy {
  /** The number of probes that a period may send in total, at least 1. */
  readonly calls: number
  /** The number of probes that must succeed to close the circuit, 1 to `calls`. */
  readonly successes: number
  /** The number of probes that may run at once, 1 to 100. A client whose breaker allows more sends 100. */
  readonly concurrent: number
}

/** The last manual change of a fleet (F9b). An older one never undoes it. */
export interface LastManualChange {
  /** The epoch that it began; 0 if there was none. */
  readonly epoch: number
  /** Its nonce, or `''`. */
  readonly nonce: string
  /** Who made it, or `''`. */
  readonly actor: string
}

/**
 * The sender of a command, and the state of its replica (F12). A record that is missing or older takes over that state.
 * A sender without a replica sends `closed` at epoch 0.
 */
export interface Sender {
  /** The sender's host (F6): 1 to 32 characters of `A-Z a-z 0-9 _ -`. All processes of a host are one reporter. */
  readonly reporter: string
  /** The state of the sender's replica. */
  readonly state: CircuitBreakerState
  /** The epoch of the sender's replica (F12); 0 if it has none. */
  readonly epoch: number
  /** Milliseconds until the opening ends, by the sender's monotonic clock (F14); 0 if the replica is not open. */
  readonly remaining: number
  /** The escalation attempt of the replica (F7), reduced by what has decayed since (F15). */
  readonly attempt: number
  /** The sender's `attemptDecay` in milliseconds (F15). At 0, a close resets the escalation. */
  readonly decay: number
  /** Why the replica is in its state: the name of a rule, or an operator's reason. At most 256 bytes of UTF-8. */
  readonly reason: string
  /** The reporter that caused the replica's state, or `''`. */
  readonly by: string
  /** The last manual change that the sender knows (F9b). */
  readonly manual: LastManualChange
  /** Milliseconds since the close by probes after which the replica ramps; `null` if it does not (F14b). */
  readonly ramped: number | null
  /** The length of the sender's ramp in milliseconds (F14b); 0 if a close by probes does not ramp. */
  readonly ramp: number
}

/** Identifies the ring of buckets that counts a batch (F13). All are integers. Rules with the same key share a ring. */
export interface RingKey {
  /** The length of the window in milliseconds, up to 24 hours. */
  readonly window: number
  /** The number of buckets, 1 to 100. */
  readonly buckets: number
  /** The duration in milliseconds above which a call is slow; 0 if no call is. */
  readonly slowerThan: number
}

/** The counts that a batch adds to one ring. Zeros only read the ring. */
export interface RingBatch extends RingKey {
  /** Completed calls. */
  readonly calls: number
  /** Failed calls, at most `calls`. */
  readonly failures: number
  /** Slow calls, at most `calls`. A slow failure counts as both. */
  readonly slow: number
}

/** Adds counts to the pool and reads its sums (F2). It must not be repeated: the batch would be counted twice (F25). */
export interface ExchangeCommand {
  /** Identifies the command. */
  readonly type: 'exchange'
  /** The sender, and the state of its replica. */
  readonly sender: Sender
  /** The epoch in which the counted calls began (F25). A record at any other epoch ignores the batch. */
  readonly epoch: number
  /** Successful calls of the batch (F4). */
  readonly successes: number
  /** Failed calls of the batch (F4). */
  readonly failures: number
  /** The number of failures after the last success of the batch (F4); all of them if there was no success. */
  readonly tail: number
  /** The rings to add to and to read, at most four (F13). The reply lists their sums in this order. */
  readonly rings: readonly RingBatch[]
}

/** Requests a lease to send one probe (F17–F21). It may be repeated: the same nonce gets the same lease. */
export interface AcquireCommand {
  /** Identifies the command. */
  readonly type: 'acquire'
  /** The sender, and the state of its replica. */
  readonly sender: Sender
  /** Identifies the lease (F18): 1 to 32 characters of `A-Z a-z 0-9 _ -`, unique across all processes. */
  readonly nonce: string
  /** Milliseconds after which the probe counts as failed (F17), at least 1. At most 24 hours apply. */
  readonly lease: number
  /**
   * The length in milliseconds of the opening that follows if this lease expires and decides the period (F7). At most
   * 24 hours apply.
   */
  readonly reopenFor: number
  /** The limits of the half-open period if this acquire begins it; they then apply to the whole period. */
  readonly policy: ProbePolicy
}

/** Reports the outcome of a probe (F17, F18). It may be repeated: a lease settles only once. */
export interface SettleCommand {
  /** Identifies the command. */
  readonly type: 'settle'
  /** The sender, and the state of its replica. */
  readonly sender: Sender
  /** The nonce of the lease. */
  readonly nonce: string
  /** The epoch of the half-open period that granted it. */
  readonly epoch: number
  /** The outcome of the probe. `'cancel'` gives the lease back without counting (F17). */
  readonly outcome: 'success' | 'failure' | 'cancel'
  /**
   * The length in milliseconds of the opening that follows if this failure decides the period (F7). At most 24 hours
   * apply.
   */
  readonly openFor: number
}

/** What all commands for a change have in common. */
interface ChangeBase {
  /** Identifies the command. */
  readonly type: 'change'
  /** The sender, and the state of its replica. */
  readonly sender: Sender
  /** Identifies the change: 1 to 32 characters of `A-Z a-z 0-9 _ -`. */
  readonly nonce: string
}

/** Opens the fleet because a trip rule was met (F2). */
export interface TripCommand extends ChangeBase {
  /** The new state. */
  readonly to: 'open'
  /** The epoch at which the record must still be closed. */
  readonly ifEpoch: number
  /** The name of the rule. At most 256 bytes of UTF-8 (F29). */
  readonly reason: string
  /** Milliseconds until the first probe may be sent (F7). At most 24 hours apply. */
  readonly openFor: number
}

/** What all manual changes have in common (F9, F9b). */
interface ManualChangeBase extends ChangeBase {
  /**
   * Identifies the change, which may be repeated. What precedes its last `-` and digits identifies the process that
   * gives it, and the digits count the changes of that process: an older one of them has no effect.
   */
  readonly nonce: string
  /** No condition on the state: every state accepts a manual change. */
  readonly ifEpoch: null
  /**
   * The epoch of the last manual change that was known when this one was given (F9b); 0 if there was none. A record
   * with a newer one refuses the change, unless the newer one is by the same process.
   */
  readonly ifManual: number
  /** Who makes the change: at most 64 bytes of UTF-8 (F9c). */
  readonly actor: string
  /**
   * Why, in at most 256 bytes of UTF-8 (F29). `''` if no reason was given: a record that is already in the new state
   * keeps the reason that it has.
   */
  readonly reason: string
}

/** Opens the fleet manually (F9), or changes the deadline of an opening. */
export interface OpenCommand extends ManualChangeBase {
  /** The new state. */
  readonly to: 'open'
  /** Milliseconds until the first probe may be sent (F7). At most 24 hours apply. */
  readonly openFor: number
}

/** Starts a half-open period manually (F9). */
export interface HalfOpenCommand extends ManualChangeBase {
  /** The new state. */
  readonly to: 'half-open'
  /** The limits on the probes of the period. */
  readonly policy: ProbePolicy
}

/** Closes or isolates the fleet manually (F9). */
export interface CloseOrIsolateCommand extends ManualChangeBase {
  /** The new state. */
  readonly to: 'closed' | 'isolated'
}

/** A manual change of the state of the fleet (F9). */
export type ManualChangeCommand = OpenCommand | HalfOpenCommand | CloseOrIsolateCommand

/** Changes the state of the fleet: because a rule was met (F2), or manually (F9). */
export type ChangeCommand = TripCommand | ManualChangeCommand

/** Any command that a storage executes. */
export type StorageCommand = ExchangeCommand | AcquireCommand | SettleCommand | ChangeCommand
