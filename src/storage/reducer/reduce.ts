import type { StorageCommand } from '../contract/commands.ts'
import { DAY, MOST, SHORTEST_TTL } from '../contract/limits.ts'
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

/** The result of a command. */
export interface Reduction<Reply> {
  /** The value to store. It is `stored` itself if there is nothing to write. */
  readonly record: unknown
  /** The reply to the command. */
  readonly reply: Reply
  /** Present if the record is to be written: milliseconds until it may expire, `Infinity` for never (F15). */
  readonly ttl?: number
  /** Present if a hint is to be published: the new epoch (F23). */
  readonly publish?: number
}

/**
 * Returns the record and the reply that a command results in: the specification of every storage. `stored` is the value
 * found under the breaker's name, or `undefined`; it is not modified. `now` is the time of the store's own clock, in
 * milliseconds. Pure and total: invalid commands and records get a reply, and nothing throws.
 *
 * It validates the command, adopts the state that the sender knows (F12), repairs the times after a clock was set back
 * (F14), expires leases (F17), and then executes the command.
 *
 * @example
 * ```ts
 * import { reduce, type Sender } from 'recloser/storage'
 *
 * const known = { state: 'closed', epoch: 0, remaining: 0, attempt: 0, decay: 0, reason: '', by: '' } as const
 * const manual = { epoch: 0, nonce: '', actor: '' }
 * const sender: Sender = { reporter: 'web-1', ...known, manual, ramped: null, ramp: 0 }
 * const { reply, ttl, publish } = reduce(
 *   undefined,
 *   { type: 'change', to: 'open', sender, ifEpoch: 0, nonce: 'n-1', reason: 'failureRate', openFor: 30_000 },
 *   1_800_000_000_000,
 * )
 * console.log(reply.type, ttl, publish) // changed 86430000 1800000000000
 * ```
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
  const isPublished = after.epoch !== before.epoch && after.state !== 'half-open'
  return { record: after, reply, ttl: ttlOf(after, now), ...(isPublished && { publish: after.epoch }) }
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

/** Returns the milliseconds until the record may expire, `Infinity` for never (F15). */
export function ttlOf(record: BreakerRecord, now: number): number {
  switch (record.state) {
    case 'closed': {
      const decay = record.attempt > 0 ? record.since + record.attempt * record.decay - now : 0
      // Whoever was cut off meanwhile may offer an older manual change, or an older state.
      const shortest = record.manual.epoch > 0 ? DAY : SHORTEST_TTL
      return Math.min(Math.max(2 * longestWindow(record.rings), decay, record.ramp, shortest), MOST)
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
