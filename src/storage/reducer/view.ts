import type { Answered, RecordView } from '../contract/replies.ts'
import { impossible, type BreakerRecord, type HalfOpenRecord } from './record.ts'
import { attemptOf } from './transition.ts'

/** Whether another lease may be granted (F17). */
export function hasRoom({ leases, concurrent, passed, failed, calls }: HalfOpenRecord): boolean {
  return leases.length < concurrent && leases.length + passed + failed < calls
}

/** Returns the milliseconds until the first lease ends; 0 if there is none. */
export function untilFirstEnd({ leases }: HalfOpenRecord, now: number): number {
  return leases.length === 0 ? 0 : Math.max(0, Math.min(...leases.map(({ until }) => until)) - now)
}

/** Returns the milliseconds until a probe may be sent, as `RecordView.remaining` defines them. */
export function untilDue(record: BreakerRecord, now: number): number | null {
  switch (record.state) {
    case 'closed':
      return 0
    case 'open':
      return Math.max(0, record.until - now)
    case 'half-open':
      return hasRoom(record) ? 0 : untilFirstEnd(record, now)
    case 'isolated':
      return null
    default:
      return impossible(record)
  }
}

function viewOf(record: BreakerRecord, now: number): RecordView {
  const { state, epoch, reason, by, since, manual } = record
  return {
    state,
    epoch,
    remaining: untilDue(record, now),
    attempt: attemptOf(record, now),
    reason,
    by,
    age: Math.max(0, now - since),
    manual,
    ramped: state === 'closed' && now - record.rampedAt < record.ramp ? now - record.rampedAt : null,
  }
}

/** The context in which a command is executed. */
export interface Context {
  /** The store's time, in milliseconds. */
  readonly now: number
  /** Whether this command made the record take over the sender's state. */
  readonly adopted: boolean
  /** Whether the sender's epoch is ahead, and was not adopted. */
  readonly reset: boolean
}

export const answer = (record: BreakerRecord, { now, reset }: Context): Answered => ({
  record: viewOf(record, now),
  reset,
})

/** The reply to a command and the record after it: the same object if there is nothing to write. */
export interface Step<Reply> {
  readonly record: BreakerRecord
  readonly reply: Reply
}
