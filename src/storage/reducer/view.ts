import type { Answered, RecordView } from '../contract/replies.ts'
import { impossible, type BreakerRecord, type HalfOpenRecord } from './record.ts'
import { attemptOf } from './transition.ts'

/** Whether one more probe may start (F17). */
export function hasPlace({ leases, concurrent, passed, failed, calls }: HalfOpenRecord): boolean {
  return leases.length < concurrent && leases.length + passed + failed < calls
}

/** Milliseconds until the first lease ends; 0 if there is none. */
export function untilFirstEnd({ leases }: HalfOpenRecord, now: number): number {
  return leases.length === 0 ? 0 : Math.max(0, Math.min(...leases.map(({ until }) => until)) - now)
}

export function untilDue(record: BreakerRecord, now: number): number | null {
  switch (record.state) {
    case 'closed':
      return 0
    case 'open':
      return Math.max(0, record.until - now)
    case 'half-open':
      return hasPlace(record) ? 0 : untilFirstEnd(record, now)
    case 'isolated':
      return null
    default:
      return impossible(record)
  }
}

function viewOf(record: BreakerRecord, now: number): RecordView {
  const { state, epoch, reason, by, since } = record
  const remaining = untilDue(record, now)
  return {
    state,
    epoch,
    remaining,
    attempt: attemptOf(record, now),
    reason,
    by,
    age: Math.max(0, now - since),
  }
}

/** What a command is carried out with. */
export interface Context {
  readonly now: number
  /** The sender's state has just become the record's. */
  readonly adopted: boolean
  readonly reset: boolean
}

export const answer = (record: BreakerRecord, { now, reset }: Context): Answered => ({
  record: viewOf(record, now),
  reset,
})

/** The record after a command, the same object if nothing is to be written, and the reply. */
export interface Step<Reply> {
  readonly record: BreakerRecord
  readonly reply: Reply
}
