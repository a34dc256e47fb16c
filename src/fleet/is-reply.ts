import { STATES, type CircuitBreakerState } from '../base/state.ts'
import { isObject } from '../base/validate.ts'
import type { StorageCommand } from '../storage/contract/commands.ts'
import { MOST_EPOCH } from '../storage/contract/limits.ts'
import { REPLIES } from '../storage/contract/operations.ts'
import type { StorageReply } from '../storage/contract/replies.ts'

type Check = (value: unknown) => boolean

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isTime: Check = (value) => value === null || isCount(value)
const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
// A larger one would be sent from then on, and refused.
const isEpoch: Check = (value) => isCount(value) && (value as number) <= MOST_EPOCH
const isRecord: Check = (value) => hasAll(value, record)
const isRing: Check = (value) => hasAll(value, ring)

const record: Readonly<Record<string, Check>> = {
  state: (value) => STATES.includes(value as CircuitBreakerState),
  epoch: isEpoch,
  remaining: isTime,
  attempt: isCount,
  reason: isText,
  by: isText,
  age: isCount,
  manual: (value) => hasAll(value, { epoch: isEpoch, nonce: isText, actor: isText }),
  ramped: isTime,
}

const ring: Readonly<Record<string, Check>> = {
  calls: isCount,
  failures: isCount,
  slow: isCount,
  failureReporters: isCount,
  slowReporters: isCount,
}

const answered = { record: isRecord, reset: isFlag }

const shapes: Readonly<Record<StorageReply['type'], Readonly<Record<string, Check>>>> = {
  unusable: { why: isText, text: (value) => value === undefined || isText(value) },
  malformed: { what: isText },
  exchanged: {
    ...answered,
    counted: isFlag,
    run: (value) => hasAll(value, { failures: isCount, reporters: isCount }),
    rings: (value) => Array.isArray(value) && value.every(isRing),
  },
  granted: { ...answered, lease: isCount },
  denied: { ...answered, why: isText, wait: isTime },
  settled: answered,
  late: answered,
  changed: answered,
  refused: { ...answered, why: isText },
}

function hasAll(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  return isObject(value) && Object.keys(checks).every((name) => checks[name]!(value[name]))
}

/** Whether a value is a well-formed reply to the command. Storages are foreign code, so their replies are checked. */
export function isReply(command: StorageCommand['type'], reply: unknown): boolean {
  if (!isObject(reply)) return false
  const type = REPLIES[command].find((each) => each === reply['type'])
  return type !== undefined && hasAll(reply, shapes[type])
}
