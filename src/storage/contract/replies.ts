import type { CircuitBreakerState } from '../../base/state.ts'

/** The record as a reply shows it. No absolute times (F14): what is left is counted down by the client's own clock. */
export interface RecordView {
  readonly state: CircuitBreakerState
  /** Grows with every transition (F12); 0 while nothing has ever happened. */
  readonly epoch: number
  /**
   * Milliseconds until a probe may be sent: of an opening what is left (0: it is due); half-open 0 if a place is free,
   * else until the first lease ends; 0 while closed; `null` while isolated.
   */
  readonly remaining: number | null
  /** How far the escalation has come (F7), what of it has been forgotten taken off (F15). */
  readonly attempt: number
  /** Why the record is in its state; while half-open, why it had opened. `''` if nothing has happened. */
  readonly reason: string
  /** The reporter that brought it there, or `''`. */
  readonly by: string
  /** Milliseconds for which it has been in its state. */
  readonly age: number
}

/** In every reply of a record that could be read. */
export interface Answered {
  readonly record: RecordView
  /**
   * The sender's epoch was too far ahead to be adopted (F12): it takes the record's, although that is lower, and
   * honours its own opening locally to its end.
   */
  readonly reset: boolean
}

/** The record cannot be used, and was not touched (F16): that one breaker goes on locally. */
export interface Unusable {
  readonly type: 'unusable'
  /**
   * `'foreign'`: something else is stored there. `'newer'`: written by a newer version of this protocol. `'corrupt'`:
   * it is ours and makes no sense. `'denied'`: the store does not let us.
   */
  readonly why: 'foreign' | 'newer' | 'corrupt' | 'denied'
}

/** The command makes no sense; nothing was changed. */
export interface Malformed {
  readonly type: 'malformed'
  /** The field that is wrong. */
  readonly what: string
}

/** The sums of one window over all processes (F2). */
export interface PooledRing {
  readonly calls: number
  readonly failures: number
  readonly slow: number
  /** Distinct reporters that saw failures (F6); at most eight per bucket are remembered. */
  readonly failureReporters: number
  /** Distinct reporters that saw slow calls. */
  readonly slowReporters: number
}

/** Consecutive failures, pooled batch by batch (F4). */
export interface PooledRun {
  readonly failures: number
  /** Distinct reporters of the run, at most eight. */
  readonly reporters: number
}

export interface Exchanged extends Answered {
  readonly type: 'exchanged'
  /** Whether the batch was counted: the record is closed, at the batch's epoch (F25). */
  readonly counted: boolean
  readonly run: PooledRun
  /** In the order of the command. Zeros while the record is not closed. */
  readonly rings: readonly PooledRing[]
}

export interface Granted extends Answered {
  readonly type: 'granted'
  /** Milliseconds that are left of the lease. The period is `record.epoch`: settle with it. */
  readonly lease: number
}

export interface Denied extends Answered {
  readonly type: 'denied'
  /**
   * The state that has no place for a probe, or `'wary'`: this reporter failed the last probe and lets others go first
   * (F21); `'stale'`: the sender knew an older period and may ask again at once; `'ended'`: that nonce has had its lease.
   */
  readonly why: 'closed' | 'open' | 'half-open' | 'isolated' | 'wary' | 'stale' | 'ended'
  /** Milliseconds after which asking again makes sense, if nothing happens before; `null`: never by itself. */
  readonly wait: number | null
}

export interface Settled extends Answered {
  readonly type: 'settled'
}

/** Not a live lease of this period: it had no effect (F18). */
export interface Late extends Answered {
  readonly type: 'late'
}

export interface Changed extends Answered {
  readonly type: 'changed'
}

export interface Refused extends Answered {
  readonly type: 'refused'
  /** `'stale'`: not closed at `ifEpoch` (F2). `'repeated'`: a change of this nonce has been made. */
  readonly why: 'stale' | 'repeated'
}

export type ExchangeReply = Exchanged | Unusable | Malformed
export type AcquireReply = Granted | Denied | Unusable | Malformed
export type SettleReply = Settled | Late | Unusable | Malformed
export type ChangeReply = Changed | Refused | Unusable | Malformed
export type StorageReply = ExchangeReply | AcquireReply | SettleReply | ChangeReply
