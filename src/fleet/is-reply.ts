import { isObject } from '../base/validate.ts'

type Check = (value: unknown) => boolean

const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isTime: Check = (value) => value === null || isCount(value)
const isText: Check = (value) => typeof value === 'string'
const isFlag: Check = (value) => typeof value === 'boolean'
const isRecord: Check = (value) => hasAll(value, record)
const isRing: Check = (value) => hasAll(value, ring)

const record: Readonly<Record<string, Check>> = {
  state: (value) => ['closed', 'open', 'half-open', 'isolated'].includes(value as string),
  epoch: isCount,
  remaining: isTime,
  attempt: isCount,
  reason: isText,
  by: isText,
}

const ring: Readonly<Record<string, Check>> = {
  calls: isCount,
  failures: isCount,
  slow: isCount,
  failureReporters: isCount,
  slowReporters: isCount,
}

const answered = { record: isRecord, reset: isFlag }

const replies: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  unusable: { why: isText },
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

const expected: Readonly<Record<string, readonly string[]>> = {
  exchange: ['exchanged'],
  acquire: ['granted', 'denied'],
  settle: ['settled', 'late'],
  change: ['changed', 'refused'],
}

function hasAll(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  return isObject(value) && Object.keys(checks).every((name) => checks[name]!(value[name]))
}

/** Whether it answers that operation. A storage is foreign code, and what it says is gone by. */
export function isReply(operation: string, reply: unknown): boolean {
  if (!isObject(reply)) return false
  const type = String(reply['type'])
  const known = [...(expected[operation] ?? []), 'unusable', 'malformed'].includes(type)
  return known && hasAll(reply, replies[type]!)
}
