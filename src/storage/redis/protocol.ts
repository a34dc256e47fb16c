import type { ProbePolicy, StorageCommand } from '../contract/commands.ts'
import type {
  Answered,
  Denied,
  PooledRing,
  RecordView,
  Refused,
  StorageReply,
  Unusable,
} from '../contract/replies.ts'
import { NO_MANUAL } from '../contract/limits.ts'
import { impossible } from '../reducer/record.ts'

/** Where the script publishes hints of transitions. */
export interface HintAddress {
  /** The channel; `''` to publish nothing. */
  readonly channel: string
  /** The name of the breaker in hints, encoded as in its key. */
  readonly name: string
}

/** Returns a command as the arguments of the script: see the head of `script/contract.ts`. */
export function toArguments({ channel, name }: HintAddress, command: StorageCommand): string[] {
  const { reporter, state, epoch, remaining, attempt, decay, reason, by } = command.sender
  const sender = [reporter, state, epoch, remaining, attempt, decay, reason, by]
  return [command.type, channel, name, ...sender, ...ownArguments(command)].map(String)
}

function ownArguments(command: StorageCommand): unknown[] {
  switch (command.type) {
    case 'exchange': {
      const { epoch, successes, failures, tail, rings } = command
      const batches = rings.flatMap(({ window, buckets, slowerThan, calls, failures, slow }) => [
        window,
        buckets,
        slowerThan,
        calls,
        failures,
        slow,
      ])
      return [epoch, successes, failures, tail, ...batches]
    }
    case 'acquire': {
      const { nonce, lease, reopenFor, policy } = command
      return [nonce, lease, reopenFor, ...policyArguments(policy)]
    }
    case 'settle':
      return [command.nonce, command.epoch, command.outcome, command.openFor]
    case 'change': {
      const { to, nonce, reason, ifEpoch } = command
      const openFor = to === 'open' ? command.openFor : 0
      const policy = to === 'half-open' ? policyArguments(command.policy) : []
      return [to, nonce, reason, ifEpoch ?? '', openFor, ...policy]
    }
    default:
      return impossible(command)
  }
}

const policyArguments = ({ calls, successes, concurrent }: ProbePolicy): number[] => [
  calls,
  successes,
  concurrent,
]

/**
 * Parses a reply of the script. Clients may return integers as numbers, strings or bigints.
 *
 * @throws {TypeError} when the script cannot have sent it: something else has answered.
 */
export function fromReply(given: unknown): StorageReply {
  if (!Array.isArray(given) || given.length < 2) throw unexpected(given)
  const [type, why, reset, state, epoch, remaining, attempt, reason, by, age, ...rest] = given as unknown[]
  if (type === 'malformed') return { type, what: String(why) }
  if (type === 'unusable') return { type, why: String(why) as Unusable['why'] }
  const record: RecordView = {
    state: String(state) as RecordView['state'],
    epoch: Number(epoch),
    remaining: nullIfNegative(remaining),
    attempt: Number(attempt),
    reason: String(reason),
    by: String(by),
    age: Number(age),
    manual: NO_MANUAL,
    ramped: null,
  }
  const answered: Answered = { record, reset: Number(reset) === 1 }
  switch (type) {
    case 'exchanged': {
      const [counted, failures, reporters, ...sums] = rest.map(Number)
      const run = { failures: failures ?? 0, reporters: reporters ?? 0 }
      return { type, counted: counted === 1, run, rings: toRings(sums), ...answered }
    }
    case 'granted':
      return { type, lease: Number(rest[0]), ...answered }
    case 'denied':
      return { type, why: String(why) as Denied['why'], wait: nullIfNegative(rest[0]), ...answered }
    case 'refused':
      return { type, why: String(why) as Refused['why'], ...answered }
    case 'settled':
    case 'late':
    case 'changed':
      return { type, ...answered }
    default:
      throw unexpected(given)
  }
}

const nullIfNegative = (ms: unknown): number | null => (Number(ms) < 0 ? null : Number(ms))

function toRings(sums: readonly number[]): PooledRing[] {
  const rings: PooledRing[] = []
  for (let i = 0; i < sums.length; i += 5) {
    const [calls = 0, failures = 0, slow = 0, failureReporters = 0, slowReporters = 0] = sums.slice(i, i + 5)
    rings.push({ calls, failures, slow, failureReporters, slowReporters })
  }
  return rings
}

function unexpected(given: unknown): TypeError {
  const shown = Array.isArray(given) ? `an array of ${given.length}` : typeof given
  return new TypeError(
    `Expected the reply of the script to be an array that begins with its kind, got ${shown}`,
  )
}
