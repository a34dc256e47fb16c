import type { CircuitBreakerState } from '../../base/state.ts'
import type { LastManualChange } from './commands.ts'

/** The record as a reply shows it. It has no absolute times: clients count durations down by their own clock (F14). */
export interface RecordView {
  /** The state of the record. */
  readonly state: CircuitBreakerState
  /** Increases with every transition (F12); 0 before the first. */
  readonly epoch: number
  /**
   * Milliseconds until a probe may be sent. Open: until the opening ends, 0 once it has. Half-open: 0 if a lease is
   * available, else until the first lease ends. Closed: 0. Isolated: `null`.
   */
  readonly remaining: number | null
  /** The escalation attempt (F7), reduced by what has decayed since the close (F15). */
  readonly attempt: number
  /** Why the record is in its state; while half-open, why it had opened. `''` before the first transition. */
  readonly reason: string
  /** The reporter that caused the state, or `''`. */
  readonly by: string
  /** Milliseconds since the record entered its state. */
  readonly age: number
  /** The last manual change (F9b). */
  readonly manual: LastManualChange
  /** Milliseconds since the close by probes after which the fleet ramps; `null` if it does not (F14b). */
  readonly ramped: number | null
}

/** The fields of every reply about a record that could be read. */
export interface Answered {
  /** The record after the command. */
  readonly record: RecordView
  /**
   * Whether the sender's epoch was ahead and was not adopted (F12): too far, or by a sender that does not know the last
   * manual change. The sender then takes over the record's lower epoch, and honors its own opening locally to its end.
   */
  readonly reset: boolean
}

/**
 * The record cannot be used and was left alone (F16), or the store refused the command (F28b). This one breaker continues
 * without its fleet, and tries again after 30 s.
 */
export interface Unusable {
  /** Identifies the reply. */
  readonly type: 'unusable'
  /**
   * `'foreign'`: the key holds something other than a record. `'newer'`: a newer version of the protocol wrote the
   * record. `'corrupt'`: the record is invalid. The store refused the command: `'denied'`, it does not permit the access;
   * `'full'`, it has no memory left; `'readonly'`, it accepts no writes; `'failed'`, for another reason.
   */
  readonly why: 'foreign' | 'newer' | 'corrupt' | 'denied' | 'full' | 'readonly' | 'failed'
  /**
   * The store's own words for a refusal.
   *
   * @default none
   */
  readonly text?: string | undefined
}

/** The command is invalid, and changed nothing. */
export interface Malformed {
  /** Identifies the reply. */
  readonly type: 'malformed'
  /** The first invalid field, such as `sender.epoch`. */
  readonly what: string
}

/** The sums of one window over all processes (F2). */
export interface PooledRing {
  /** Completed calls. */
  readonly calls: number
  /** Failed calls. */
  readonly failures: number
  /** Slow calls. A slow failure counts as both. */
  readonly slow: number
  /** Distinct reporters that saw failures (F6). A bucket holds at most eight reporters. */
  readonly failureReporters: number
  /** Distinct reporters that saw slow calls (F6). */
  readonly slowReporters: number
}

/** Consecutive failures, pooled batch by batch (F4). */
export interface PooledRun {
  /** The number of failures in the run. */
  readonly failures: number
  /** Distinct reporters of the run, at most eight. */
  readonly reporters: number
}

/** The sums of the pool, after an exchange. */
export interface Exchanged extends Answered {
  /** Identifies the reply. */
  readonly type: 'exchanged'
  /** Whether the batch was counted: the record is closed, at the batch's epoch (F25). */
  readonly counted: boolean
  /** The pooled run of failures; zeros while the record is not closed. */
  readonly run: PooledRun
  /** The sums of the rings, in the order of the command; zeros while the record is not closed. */
  readonly rings: readonly PooledRing[]
}

/** The sender has a lease, and may send a probe. */
export interface Granted extends Answered {
  /** Identifies the reply. */
  readonly type: 'granted'
  /** Milliseconds until the lease ends. Settle it with the period's epoch, `record.epoch`. */
  readonly lease: number
}

/** The sender gets no lease. The denial itself changes nothing (F19). */
export interface Denied extends Answered {
  /** Identifies the reply. */
  readonly type: 'denied'
  /**
   * The state that admits no probe now, or: `'wary'`, the reporter failed the last probe and must let others go first
   * (F21); `'stale'`, the sender knew an older state and may retry at once; `'ended'`, the nonce's lease has ended.
   */
  readonly why: 'closed' | 'open' | 'half-open' | 'isolated' | 'wary' | 'stale' | 'ended'
  /**
   * Milliseconds until a retry may succeed, unless the record changes before; 0 while closed, where no probe is needed;
   * `null` while isolated.
   */
  readonly wait: number | null
}

/** The lease has been settled. */
export interface Settled extends Answered {
  /** Identifies the reply. */
  readonly type: 'settled'
}

/** The lease had ended, or belonged to another period: the outcome had no effect (F18). */
export interface Late extends Answered {
  /** Identifies the reply. */
  readonly type: 'late'
}

/** The change has been made. */
export interface Changed extends Answered {
  /** Identifies the reply. */
  readonly type: 'changed'
}

/** The change has not been made. */
export interface Refused extends Answered {
  /** Identifies the reply. */
  readonly type: 'refused'
  /**
   * `'stale'`: the record is not closed at `ifEpoch` (F2). `'repeated'`: this manual change, or a later one by the same
   * process, was made before. `'overtaken'`: another process has made a manual change since (F9b).
   */
  readonly why: 'stale' | 'repeated' | 'overtaken'
}

/** The reply to an `ExchangeCommand`. */
export type ExchangeReply = Exchanged | Unusable | Malformed

/** The reply to an `AcquireCommand`. */
export type AcquireReply = Granted | Denied | Unusable | Malformed

/** The reply to a `SettleCommand`. */
export type SettleReply = Settled | Late | Unusable | Malformed

/** The reply to a `ChangeCommand`. */
export type ChangeReply = Changed | Refused | Unusable | Malformed

/** The reply to any `StorageCommand`. */
export type StorageReply = ExchangeReply | AcquireReply | SettleReply | ChangeReply
