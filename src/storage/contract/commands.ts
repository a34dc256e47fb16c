import type { CircuitBreakerState } from '../../base/state.ts'

/** How the probes of one half-open period are rationed (F17). All are integers. */
export interface ProbePolicy {
  /** Probes that a period may send in all, at least 1. */
  readonly calls: number
  /** How many of them must succeed to close, 1 to `calls`. */
  readonly successes: number
  /** How many may run at once, 1 to 100: a client whose breaker allows more asks for 100. */
  readonly concurrent: number
}

/**
 * Who sends a command, and what it last learned of the record (F12): a record that lost its data, or never had it,
 * takes the state from here. A sender that has learned nothing says `closed` at epoch 0.
 */
export interface Sender {
  /** The host (F6): 1 to 32 characters of `A-Z a-z 0-9 _ -`. Processes of one host are one reporter. */
  readonly reporter: string
  /** The state of the sender's replica. */
  readonly state: CircuitBreakerState
  /** The epoch of the sender's replica (F12); 0 if it has none. */
  readonly epoch: number
  /** Milliseconds that are left of the opening by the sender's monotonic clock (F14); 0 if it is not open. */
  readonly remaining: number
  /** How far the escalation has come (F7), what of it has been forgotten taken off. */
  readonly attempt: number
  /** The sender's `attemptDecay`, in milliseconds (F15); 0: a close forgets the escalation. */
  readonly decay: number
  /** Why the replica is in its state: the name of a rule, or an operator's words; at most 256 bytes of UTF-8. */
  readonly reason: string
  /** The reporter that brought it there, or `''`. */
  readonly by: string
}

/** Which ring of buckets a batch is counted in (F13). All are integers; rules that agree on them share a ring. */
export interface RingKey {
  /** Milliseconds, 1 to 24 h. */
  readonly window: number
  /** 1 to 100. */
  readonly buckets: number
  /** From when on a call is slow, in milliseconds; 0 where nothing is. */
  readonly slowerThan: number
}

/** What a batch adds to one ring; zeros only read it. */
export interface RingBatch extends RingKey {
  readonly calls: number
  /** At most `calls`. */
  readonly failures: number
  /** At most `calls`. A slow failure counts as both. */
  readonly slow: number
}

/** Adds counts to the pool and reads its sums (F2). Never to be repeated (F25): it would count twice. */
export interface ExchangeCommand {
  readonly type: 'exchange'
  readonly sender: Sender
  /** The epoch in which the counted calls began (F25): in any other one they count for nothing. */
  readonly epoch: number
  /** Successful calls of the batch (F4). */
  readonly successes: number
  /** Failed calls of the batch (F4). */
  readonly failures: number
  /** How many of the failures came after the last success (F4); all of them if there was none. */
  readonly tail: number
  /** At most four (F13); the reply has the sums in this order. */
  readonly rings: readonly RingBatch[]
}

/** Asks for leave to send one probe (F17–F21). May be repeated: the same nonce gets the same lease. */
export interface AcquireCommand {
  readonly type: 'acquire'
  readonly sender: Sender
  /** Names the lease (F18): 1 to 32 characters of `A-Z a-z 0-9 _ -`, unlike any that the process used before. */
  readonly nonce: string
  /** Milliseconds after which the probe counts as failed (F17), 1 to 24 h; more is cut to 24 h. */
  readonly lease: number
  /** Milliseconds of the opening that follows if this lease expires and that decides (F7); more than 24 h is cut. */
  readonly reopenFor: number
  /** Holds for the whole period if this acquire begins it. */
  readonly policy: ProbePolicy
}

/** Tells how a probe ended (F17, F18). May be repeated: only a live lease can be settled. */
export interface SettleCommand {
  readonly type: 'settle'
  readonly sender: Sender
  /** Names the lease. */
  readonly nonce: string
  /** The epoch of the half-open period that granted it. */
  readonly epoch: number
  /** `'cancel'` gives the place back (F17). */
  readonly outcome: 'success' | 'failure' | 'cancel'
  /** Milliseconds of the opening that follows if this failure decides (F7); more than 24 h is cut. */
  readonly openFor: number
}

interface ChangeBase {
  readonly type: 'change'
  readonly sender: Sender
  /** Why: the name of the rule that tripped, or an operator's words; at most 256 bytes of UTF-8 (F29). */
  readonly reason: string
  /**
   * Names the change: 1 to 32 characters of `A-Z a-z 0-9 _ -`. A manual change may be repeated: the same nonce changes
   * nothing a second time.
   */
  readonly nonce: string
  /**
   * The change is accepted only by a record that is closed at this epoch (F2): how a rule that was met opens the fleet.
   * `null`: a manual change, accepted from every state (F9).
   */
  readonly ifEpoch: number | null
}

export interface OpenCommand extends ChangeBase {
  readonly to: 'open'
  /** Milliseconds until the first probe may be sent (F7); more than 24 h is cut. */
  readonly openFor: number
}

export interface HalfOpenCommand extends ChangeBase {
  readonly to: 'half-open'
  readonly ifEpoch: null
  readonly policy: ProbePolicy
}

export interface CloseOrIsolateCommand extends ChangeBase {
  readonly to: 'closed' | 'isolated'
  readonly ifEpoch: null
}

/** Changes the state of the fleet: because a rule was met (F2), or by hand (F9). */
export type ChangeCommand = OpenCommand | HalfOpenCommand | CloseOrIsolateCommand

export type StorageCommand = ExchangeCommand | AcquireCommand | SettleCommand | ChangeCommand
