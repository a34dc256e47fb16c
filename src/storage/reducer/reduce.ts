import type { StorageCommand } from '../contract/commands.ts'
import { DAY, SHORTEST_TTL } from '../contract/limits.ts'
import { adopt } from './adopt.ts'
import { change } from './change.ts'
import { exchange } from './exchange.ts'
import { acquire, expireLeases, settle } from './half-open.ts'
import { malformed } from './malformed.ts'
import { blankRecord, impossible, readRecord, type BreakerRecord } from './record.ts'
import { repairClock } from './repair.ts'
import { longestWindow } from './rings.ts'
import type { Context, Step } from './view.ts'
import type { StorageReply } from '../contract/replies.ts'
import type { ReplyTo } from '../contract/operations.ts'

/** What comes of a command. */
export interface Reduction<Reply> {
  /** What is stored now: the very same as before if nothing is to be written. */
  readonly record: unknown
  readonly reply: Reply
  /**
   * Present if the record is to be written: milliseconds after which the store may forget it, `Infinity` for never
   * (F15).
   */
  readonly ttl?: number
  /** Present if subscribers are to be told: the new epoch (F23). */
  readonly publish?: number
}

/**
 * The specification of every storage: what a command does to the record of one breaker, and what it answers, at `now`
 * milliseconds of the store's own clock. `stored` is what was found, `undefined` if nothing was; it is never changed.
 * Pure and total: bad commands and records are answered, nothing is thrown.
 *
 * The order: validate, adopt what the sender knows (F12), mend the clock (F14), end leases (F17), then the command.
 */
export function reduce<Command extends StorageCommand>(
  stored: unknown,
  command: Command,
  now: number,
): Reduction<ReplyTo<Command>>
export function reduce(stored: unknown, command: StorageCommand, now: number): Reduction<StorageReply> {
  const what = malformed(command)
  if (what !== undefined) return { record: stored, reply: { type: 'malformed', what } }
  const found = readRecord(stored)
  if (typeof found === 'string') return { record: stored, reply: { type: 'unusable', why: found } }

  const before = found ?? blankRecord(now)
  const { record, adopted, reset } = adopt(before, command.sender, now)
  const current = expireLeases(repairClock(record, now), now)
  const { record: after, reply } = execute(current, command, { now, adopted, reset })
  if (after === before) return { record: stored, reply }
  const heard = after.epoch !== before.epoch && after.state !== 'half-open'
  return { record: after, reply, ttl: ttlOf(after, now), ...(heard && { publish: after.epoch }) }
}

function execute(record: BreakerRecord, command: StorageCommand, context: Context): Step<StorageReply> {
  switch (command.type) {
    case 'exchange':
      return exchange(record, command, context)
    case 'acquire':
      return acquire(record, command, context)
    case 'settle':
      return settle(record, command, context)
    case 'change':
      return change(record, command, context)
    default:
      return impossible(command)
  }
}

/** Milliseconds after which the store may forget the record, `Infinity` for never (F15). */
export function ttlOf(record: BreakerRecord, now: number): number {
  switch (record.state) {
    case 'closed': {
      const decay = Math.max(0, record.since + record.attempt * record.decay - now)
      return Math.max(2 * longestWindow(record.rings), decay, SHORTEST_TTL)
    }
    case 'open':
      return Math.max(0, record.until - now) + DAY
    case 'half-open':
      return Math.max(0, ...record.leases.map(({ until }) => until - now)) + DAY
    case 'isolated':
      return Infinity
    default:
      return impossible(record)
  }
}
