import { MOST } from '../contract/limits.ts'

/** The protocol version, which every record carries as its marker (F16). */
export const VERSION = 1

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
  /** The nonces of the newest manual changes, so that a repeated one is refused. */
  readonly changes: readonly string[]
}

export interface ClosedRecord extends RecordBase {
  readonly state: 'closed'
  /** Milliseconds after which `attempt` decays by one; 0 if there is nothing to decay (F15). */
  readonly decay: number
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
  const base = { recloser: VERSION, epoch: 0, since: now, attempt: 0, reason: '', by: '', changes: [] }
  return { ...base, state: 'closed', decay: 0, run: 0, runReporters: [], rings: {} }
}

type Check = (value: unknown) => boolean

export const isCount: Check = (value) =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST
export const isText: Check = (value) => typeof value === 'string'
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText)

function hasAll(value: unknown, checks: Readonly<Record<string, Check>>): boolean {
  const fields = value as Readonly<Record<string, unknown>>
  return Object.entries(checks).every(([name, check]) => check(fields[name]))
}

const base = {
  epoch: isCount,
  since: isCount,
  attempt: isCount,
  reason: isText,
  by: isText,
  changes: isTexts,
}
const lease = { nonce: isText, until: isCount, length: isCount, reporter: isText, reopenFor: isCount }

const shapes: Readonly<Record<BreakerRecord['state'], Readonly<Record<string, Check>>>> = {
  closed: {
    ...base,
    decay: isCount,
    run: isCount,
    runReporters: isTexts,
    rings: (value) => typeof value === 'object' && value !== null && Object.values(value).every(isText),
  },
  open: { ...base, until: isCount, length: isCount, failedBy: isText },
  'half-open': {
    ...base,
    opened: isCount,
    due: isCount,
    calls: isCount,
    successes: isCount,
    concurrent: isCount,
    passed: isCount,
    failed: isCount,
    failedBy: isText,
    leases: (value) =>
      Array.isArray(value) && value.every((each) => typeof each === 'object' && each && hasAll(each, lease)),
    ended: isTexts,
  },
  isolated: base,
}

/** Returns what is stored if it is a usable record or `undefined`, and otherwise why it is unusable (F16). */
export function readRecord(stored: unknown): BreakerRecord | undefined | 'foreign' | 'newer' | 'corrupt' {
  if (stored === undefined) return undefined
  if (typeof stored !== 'object' || stored === null) return 'foreign'
  const { recloser, state } = stored as Partial<Record<string, unknown>>
  if (!isCount(recloser) || recloser === 0) return 'foreign'
  if ((recloser as number) > VERSION) return 'newer'
  if (typeof state !== 'string' || !Object.hasOwn(shapes, state)) return 'corrupt'
  return hasAll(stored, shapes[state as BreakerRecord['state']]) ? (stored as BreakerRecord) : 'corrupt'
}
