import type { ProbePolicy, StorageCommand } from '../contract/commands.ts'
import { NO_MANUAL } from '../contract/limits.ts'
import type {
  Answered,
  Denied,
  PooledRing,
  RecordView,
  Refused,
  StorageReply,
  Unusable,
} from '../contract/replies.ts'
import { impossible, isText } from '../reducer/record.ts'
import { ringName } from '../reducer/rings.ts'

/** Where the script publishes hints of transitions. */
export interface HintAddress {
  /** The channel; `''` to publish nothing. */
  readonly channel: string
  /** The name of the breaker in hints, encoded as in its key. */
  readonly name: string
}

/**
 * Returns a command as the arguments of the script: see the head of `script/contract.ts`. `token` is what the reply has
 * to repeat (F22b): 1 to 32 characters of `A-Z a-z 0-9 _ . -`.
 */
export function toArguments(
  { channel, name }: HintAddress,
  command: StorageCommand,
  token: string,
): string[] {
  const { reporter, state, epoch, remaining, attempt, decay, ramped, ramp, by, reason } = command.sender
  const manual = { ...command.sender.manual } // what code without types leaves out is malformed, too
  const known = [reporter, state, epoch, remaining, attempt, decay, ramped ?? '-', ramp, by]
  const sender = [...known, manual.epoch, manual.nonce].join(' ')
  return [token, command.type, channel, name, sender, reason, manual.actor, ...ownArguments(command)].map(
    String,
  )
}

function ownArguments(command: StorageCommand): unknown[] {
  switch (command.type) {
    case 'exchange': {
      const { epoch, successes, failures, tail, rings } = command
      return [
        [epoch, successes, failures, tail].join(' '),
        ...rings.map((ring) => [ringName(ring), ring.calls, ring.failures, ring.slow].join(' ')),
      ]
    }
    case 'acquire': {
      const { nonce, lease, reopenFor, policy } = command
      return [[nonce, lease, reopenFor, ...policyArguments(policy)].join(' ')]
    }
    case 'settle':
      return [[command.nonce, command.epoch, command.outcome, command.openFor].join(' ')]
    case 'change': {
      const { to, nonce, reason, ifEpoch } = command
      const [ifManual, actor] = ifEpoch === null ? [command.ifManual, command.actor] : [0, '']
      const openFor = to === 'open' ? command.openFor : 0
      const policy = to === 'half-open' ? policyArguments(command.policy) : [0, 0, 0]
      return [[to, nonce, ifEpoch ?? '', ifManual, openFor, ...policy].join(' '), reason, actor]
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

/** Whether this is the reply of the script to the command with this token (F22b). */
export const isReplyTo = (given: unknown, token: string): given is readonly string[] =>
  Array.isArray(given) && given.length > 2 && given[0] === token && given.every(isText)

/**
 * Parses the reply of the script to the command with this token. It is an array of texts, which all clients return alike.
 *
 * @throws {TypeError} when the script cannot have sent it in reply to that command: something else has answered, or
 *   replies are out of step (F22b).
 */
export function fromReply(given: unknown, token: string): StorageReply {
  if (!isReplyTo(given, token)) throw unexpected(given)
  const [, type = '', why = '', view = '', reason = '', actor = '', own = ''] = given
  if (type === 'malformed') return { type, what: why }
  if (type === 'unusable') return { type, why: why as Unusable['why'] }
  const [reset, state, epoch, remaining, attempt, by = '', age, ramped, manual, nonce = ''] = view.split(' ')
  const record: RecordView = {
    state: state as RecordView['state'],
    epoch: Number(epoch),
    remaining: nullIfNegative(remaining),
    attempt: Number(attempt),
    reason,
    by,
    age: Number(age),
    // Records without a manual change share this one, which saves memory for each.
    manual: manual === '0' && nonce + actor === '' ? NO_MANUAL : { epoch: Number(manual), nonce, actor },
    ramped: nullIfNegative(ramped),
  }
  const answer: Answered = { record, reset: reset === '1' }
  switch (type) {
    case 'exchanged': {
      const [counted, failures = 0, reporters = 0, ...sums] = own.split(' ').map(Number)
      return { type, counted: counted === 1, run: { failures, reporters }, rings: toRings(sums), ...answer }
    }
    case 'granted':
      return { type, lease: Number(own), ...answer }
    case 'denied':
      return { type, why: why as Denied['why'], wait: nullIfNegative(own), ...answer }
    case 'refused':
      return { type, why: why as Refused['why'], ...answer }
    case 'settled':
    case 'late':
    case 'changed':
      return { type, ...answer }
    default:
      throw unexpected(given)
  }
}

const nullIfNegative = (ms: string | undefined): number | null => (Number(ms) < 0 ? null : Number(ms))

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
    `Expected an array with the reply of the script to this command, not to another one, got ${shown}`,
  )
}
