import { DAY, LONGEST_DECAY, MOST_ATTEMPT } from '../contract/limits.ts'
import type { ProbePolicy } from '../contract/commands.ts'
import {
  VERSION,
  type BreakerRecord,
  type ClosedRecord,
  type HalfOpenRecord,
  type IsolatedRecord,
  type OpenRecord,
} from './record.ts'

/** The epoch and time of a transition, its reason, and the reporter that caused it. */
export interface Cause {
  readonly epoch: number
  readonly since: number
  readonly reason: string
  readonly by: string
}

/**
 * Returns the epoch of a transition at `now` (F12). A half-open period leaves the epoch after its own to the opening
 * that it becomes if the record is lost and healed by a sender that knows no more than that period: so what has decided
 * the period is always newer.
 */
export const nextEpoch = ({ epoch, state }: BreakerRecord, now: number): number =>
  Math.max(epoch + (state === 'half-open' ? 2 : 1), now)

/** Limits the length of an opening or a lease to 24 hours (F7). */
export const withinDay = (duration: number): number => Math.min(duration, DAY)

/** Returns the escalation attempt. While closed, it decays by one every `decay` milliseconds (F15). */
export function attemptOf(record: BreakerRecord, now: number): number {
  if (record.state !== 'closed' || record.decay === 0) return record.attempt
  return Math.max(0, record.attempt - Math.floor(Math.max(0, now - record.since) / record.decay))
}

// The fields of a record that survive a transition.
function carried(
  record: BreakerRecord,
  attempt: number,
): Pick<BreakerRecord, 'recloser' | 'manual' | 'attempt'> {
  return { recloser: VERSION, manual: record.manual, attempt: Math.min(attempt, MOST_ATTEMPT) }
}

const failedBy = (record: BreakerRecord): string => ('failedBy' in record ? record.failedBy : '')

/**
 * Closes a record. The escalation is kept only if it decays (F15); the rings and the run start empty (F13). `ramp`: the
 * length of a ramp in milliseconds, which began `ramped` ago (F14b).
 */
export function toClosed(
  record: BreakerRecord,
  cause: Cause,
  attempt: number,
  decay: number,
  ramp: number = 0,
  ramped: number = 0,
): ClosedRecord {
  const kept = decay > 0 ? attempt : 0
  const ramps = ramp > ramped
  return {
    ...carried(record, kept),
    ...cause,
    state: 'closed',
    decay: kept > 0 ? Math.min(decay, LONGEST_DECAY) : 0,
    ramp: ramps ? withinDay(ramp) : 0,
    rampedAt: ramps ? Math.max(0, cause.since - ramped) : 0,
    reportedAt: 0,
    run: 0,
    runReporters: [],
    rings: {},
  }
}

export function toOpen(record: BreakerRecord, cause: Cause, attempt: number, length: number): OpenRecord {
  const until = cause.since + withinDay(length)
  return {
    ...carried(record, attempt),
    ...cause,
    state: 'open',
    until,
    length: withinDay(length),
    failedBy: failedBy(record),
  }
}

export function toHalfOpen(
  record: BreakerRecord,
  cause: Cause,
  attempt: number,
  { calls, successes, concurrent }: ProbePolicy,
): HalfOpenRecord {
  return {
    ...carried(record, attempt),
    ...cause,
    state: 'half-open',
    opened: record.epoch,
    due: record.state === 'open' ? Math.min(record.until, cause.since) : cause.since,
    calls,
    successes,
    concurrent,
    passed: 0,
    failed: 0,
    failedBy: failedBy(record),
    leases: [],
    ended: [],
  }
}

export function toIsolated(record: BreakerRecord, cause: Cause, attempt: number): IsolatedRecord {
  return { ...carried(record, attempt), ...cause, state: 'isolated' }
}
