import { STATES } from '../../base/state.ts'
import { DAY, MOST_BUCKETS, MOST_LEASES, MOST_RINGS } from '../contract/limits.ts'
import type { StorageCommand } from '../contract/commands.ts'
import { isActor, isCount, isFields, isManual, isReason, isText, isToken, isTokenOrEmpty } from './record.ts'

type Fields = Readonly<Record<string, unknown>>
type Check = (value: unknown, fields: Fields) => boolean

const oneOf =
  (...words: unknown[]): Check =>
  (value) =>
    words.includes(value)
const within =
  (least: number, most: number): Check =>
  (value) =>
    isCount(value) && (value as number) >= least && (value as number) <= most
const atMost =
  (name: string, least = 0): Check =>
  (value, fields) =>
    isCount(value) && (value as number) >= least && (value as number) <= (fields[name] as number)

const sender: Readonly<Record<string, Check>> = {
  reporter: isToken,
  state: oneOf(...STATES),
  epoch: isCount,
  remaining: isCount,
  attempt: isCount,
  decay: isCount,
  reason: isReason,
  by: isTokenOrEmpty,
  manual: isManual,
  ramped: (value) => value === null || isCount(value),
  ramp: isCount,
}

const policy: Readonly<Record<string, Check>> = {
  calls: (value) => isCount(value) && value !== 0,
  successes: atMost('calls', 1),
  concurrent: within(1, MOST_LEASES),
}

const ring: Readonly<Record<string, Check>> = {
  window: within(1, DAY),
  buckets: within(1, MOST_BUCKETS),
  slowerThan: isCount,
  calls: isCount,
  failures: atMost('calls'),
  slow: atMost('calls'),
}

const commands: Readonly<Record<StorageCommand['type'], Readonly<Record<string, Check>>>> = {
  exchange: { epoch: isCount, successes: isCount, failures: isCount, tail: atMost('failures') },
  acquire: { nonce: isToken, lease: (value) => isCount(value) && value !== 0, reopenFor: isCount },
  settle: {
    nonce: isToken,
    epoch: isCount,
    outcome: oneOf('success', 'failure', 'cancel'),
    openFor: isCount,
  },
  change: {
    to: oneOf(...STATES),
    nonce: isToken,
    reason: isReason,
    ifEpoch: (value, { to }) => value === null || (to === 'open' && isCount(value)),
    ifManual: (value, { ifEpoch }) => ifEpoch !== null || isCount(value),
    actor: (value, { ifEpoch }) => ifEpoch !== null || isActor(value),
    openFor: (value, { to }) => to !== 'open' || isCount(value),
  },
}

/** Returns the name of the first invalid field, in the order above, or `undefined` if the command is valid. */
export function malformed(command: unknown): string | undefined {
  if (!isFields(command)) return 'command'
  const type = command['type'] as StorageCommand['type']
  if (!isText(type) || !Object.hasOwn(commands, type)) return 'type'
  return (
    findInvalid(command['sender'], sender, 'sender') ??
    findInvalid(command, commands[type]) ??
    (type === 'acquire' || (type === 'change' && command['to'] === 'half-open')
      ? findInvalid(command['policy'], policy, 'policy')
      : undefined) ??
    (type === 'exchange' ? findInvalidRing(command['rings']) : undefined)
  )
}

function findInvalid(
  fields: unknown,
  checks: Readonly<Record<string, Check>>,
  path?: string,
): string | undefined {
  if (!isFields(fields)) return path
  const name = Object.keys(checks).find((each) => !checks[each]!(fields[each], fields))
  return name === undefined || path === undefined ? name : `${path}.${name}`
}

function findInvalidRing(rings: unknown): string | undefined {
  if (!Array.isArray(rings) || rings.length > MOST_RINGS) return 'rings'
  for (const each of rings) {
    const what = findInvalid(each, ring, 'ring')
    if (what !== undefined) return what
  }
  return undefined
}
