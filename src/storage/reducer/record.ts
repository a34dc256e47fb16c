import {
  DAY,
  LONGEST_ACTOR,
  LONGEST_REASON,
  MOST,
  MOST_EPOCH,
  MOST_ENDED,
  MOST_LEASES,
  MOST_REPORTERS,
  MOST_RINGS,
  NO_MANUAL,
} from '../contract/limits.ts'
import type { LastManualChange } from '../contract/commands.ts'

/** The protocol version, which every record carries as its marker (F16). */
export const VERSION = 2

/** Permission to send one probe, until its deadline (F17). */
export interface Lease {
  readonly nonce: string
  /** When the lease ends, in milliseconds of the store's clock. */
  readonly until: number
  /** The lease's length in milliseconds, which limits what remains of it if the clock is set back (F14). */
  readonly length: number
  readonly reporter: string
  /** The length in milliseconds of the opening that follows if the lease expires and decides the period (F7). */
  readonly reopenFor: number
}

interface RecordBase {
  /** The marker (F16). */
  readonly recloser: number
  readonly epoch: number
  /** When the state began, in milliseconds of the store's clock. */
  readonly since: number
  readonly attempt: number
  readonly reason: string
  readonly by: string
  /** The last manual change, so that an older one is refused (F9b). */
  readonly manual: LastManualChange
}

export interface ClosedRecord extends RecordBase {
  readonly state: 'closed'
  /** Milliseconds after which `attempt` decays by one; 0 if there is nothing to decay (F15). */
  readonly decay: number
  /** The length of the ramp after a close by probes in milliseconds; 0 if the fleet does not ramp (F14b). */
  readonly ramp: number
  /** When the ramp began, in milliseconds of the store's clock; 0 if the fleet does not ramp. */
  readonly rampedAt: number
  /**
   * When calls were last reported, to `REPORT_NOTE`, in milliseconds of the store's clock (F15b); 0 if none were since
   * the record entered this state.
   */
  readonly reportedAt: number
  /** Consecutive failures (F4). */
  readonly run: number
  readonly runReporters: readonly string[]
  /** The rings as text, by name (F13): see `rings.ts`. */
  readonly rings: Readonly<Record<string, string>>
}

export interface OpenRecord extends RecordBase {
  readonly state: 'open'
  /** When the first probe may be sent, in milliseconds of the store's clock. */
  readonly until: number
  /** The opening's length in milliseconds, which limits what remains of it if the clock is set back (F14). */
  readonly length: number
  /** The reporter of the last failed probe, or `''` (F21). */
  readonly failedBy: string
}

export interface HalfOpenRecord extends RecordBase {
  readonly state: 'half-open'
  /** The epoch before this period: a sender that knows that one may acquire a lease, too. */
  readonly opened: number
  /** When probes became due: the end of the opening, or the start of a manual half-open period (F21). */
  readonly due: number
  readonly calls: number
  readonly successes: number
  readonly concurrent: number
  readonly passed: number
  readonly failed: number
  readonly failedBy: string
  /** The live leases, the oldest first. */
  readonly leases: readonly Lease[]
  /** The nonces of the newest ended leases, so that a repeated `acquire` gets no second lease (I3). */
  readonly ended: readonly string[]
}

export interface IsolatedRecord extends RecordBase {
  readonly state: 'isolated'
}

/** The record of one breaker: plain, JSON-safe data. */
export type BreakerRecord = ClosedRecord | OpenRecord | HalfOpenRecord | IsolatedRecord

/** Makes a `switch` exhaustive: a variant without a case does not compile. */
export function impossible(variant: never): never {
  throw new TypeError(`unknown variant ${String(variant)}`)
}

/** Returns the record of a breaker that has nothing stored: closed, at epoch 0. */
export function blankRecord(now: number): ClosedRecord {
  const base = { recloser: VERSION, epoch: 0, since: now, attempt: 0, reason: '', by: '', manual: NO_MANUAL }
  return {
    ...base,
    state: 'closed',
    decay: 0,
    ramp: 0,
    rampedAt: 0,
    reportedAt: 0,
    run: 0,
    runReporters: [],
    rings: {},
  }
}

type Check = (value: unknown, fields: Fields) => boolean

const within =
  (least: number, most: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
export const isCount: (value: unknown) => boolean = within(0, MOST)
export const isText = (value: unknown): boolean => typeof value === 'string'
export const isToken = (value: unknown): boolean => isText(value) && /^[\w-]{1,32}$/.test(value as string)
export const isTokenOrEmpty = (value: unknown): boolean => value === '' || isToken(value)
export const isReason = (value: unknown): boolean =>
  isText(value) && hasBytes(value as string, LONGEST_REASON)
export const isActor = (value: unknown): boolean => isText(value) && hasBytes(value as string, LONGEST_ACTOR)
export const isManual = (value: unknown): boolean =>
  isFields(value) && hasAll(value, { epoch: isCount, nonce: isTokenOrEmpty, actor: isActor })
const isRings: Check = (value) =>
  isFields(value) &&
  Object.keys(value).length <= MOST_RINGS &&
  Object.entries(value).every(([name, text]) => /^\d{1,8}:\d{1,3}:\d{1,15}$/.test(name) && isText(text))
const listOf =
  (check: Check, most: number): Check =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every((each) => check(each, {}))

/** Whether a text has at most `most` bytes of UTF-8. */
function hasBytes(text: string, most: number): boolean {
  // A UTF-16 unit takes one to three bytes, so few texts need encoding.
  return text.length * 3 <= most || (text.length <= most && new TextEncoder().encode(text).length <= most)
}

type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null

function hasAll(fields: Fields, checks: Readonly<Record<string, Check>>): boolean {
  return Object.entries(checks).every(([name, check]) => check(fields[name], fields))
}

const base = {
  epoch: within(0, MOST_EPOCH),
  since: isCount,
  attempt: isCount,
  reason: isReason,
  by: isTokenOrEmpty,
  manual: isManual,
}
const lease = {
  nonce: isToken,
  until: isCount,
  length: within(0, DAY),
  reporter: isToken,
  reopenFor: isCount,
}

const shapes: Readonly<Record<BreakerRecord['state'], Readonly<Record<string, Check>>>> = {
  closed: {
    ...base,
    decay: isCount,
    ramp: isCount,
    rampedAt: isCount,
    reportedAt: isCount,
    run: isCount,
    runReporters: listOf(isToken, MOST_REPORTERS),
    rings: isRings,
  },
  open: { ...base, until: isCount, length: within(0, DAY), failedBy: isTokenOrEmpty },
  'half-open': {
    ...base,
    opened: isCount,
    due: isCount,
    calls: isCount,
    successes: isCount,
    concurrent: within(1, MOST_LEASES),
    // The period is not decided yet, or it would never be.
    passed: (value, { successes }) => isCount(value) && (value as number) < (successes as number),
    failed: (value, { successes, calls }) =>
      isCount(value) && (value as number) + (successes as number) <= (calls as number),
    failedBy: isTokenOrEmpty,
    leases: listOf((value) => isFields(value) && hasAll(value, lease), MOST_LEASES),
    ended: listOf(isToken, MOST_ENDED),
  },
  isolated: base,
}

/** Returns what is stored if it is a usable record or `undefined`, and otherwise why it is unusable (F16). */
export function readRecord(stored: unknown): BreakerRecord | undefined | 'foreign' | 'newer' | 'corrupt' {
  if (stored === undefined) return undefined
  if (!isFields(stored)) return 'foreign'
  const { recloser, state } = stored
  if (!isCount(recloser) || recloser === 0) return 'foreign'
  if ((recloser as number) > VERSION) return 'newer'
  // No older version wrote where this one reads: its keys have another prefix.
  if (recloser !== VERSION || typeof state !== 'string' || !Object.hasOwn(shapes, state)) return 'corrupt'
  return hasAll(stored, shapes[state as BreakerRecord['state']])
    ? (stored as unknown as BreakerRecord)
    : 'corrupt'
}
