import { MOST } from '../contract/limits.ts'

/** The marker in every record, and the version of its shape. */
export const VERSION = 1

/** Leave to send one probe, until its deadline (F17). */
export interface Lease {
  readonly nonce: string
  /** When it ends, in ms of the store's clock, and its length beside it (F14). */
  readonly until: number
  readonly length: number
  readonly reporter: string
  /** The length of the opening that follows if its expiry decides (F7). */
  readonly reopenFor: number
}

interface RecordBase {
  /** The marker (F16). */
  readonly recloser: number
  readonly epoch: number
  /** When the state began, in ms of the store's clock. */
  readonly since: number
  readonly attempt: number
  readonly reason: string
  readonly by: string
  /** The nonces of the newest manual changes: a repeated one changes nothing. */
  readonly changes: readonly string[]
}

export interface ClosedRecord extends RecordBase {
  readonly state: 'closed'
  /** Milliseconds in which one step of `attempt` is forgotten; 0 if there is none to forget (F15). */
  readonly decay: number
  /** Consecutive failures (F4). */
  readonly run: number
  readonly runReporters: readonly string[]
  /** The rings as text, by their keys (F13): see `rings.ts`. */
  readonly rings: Readonly<Record<string, string>>
}

export interface OpenRecord extends RecordBase {
  readonly state: 'open'
  /** When the first probe may be sent, and the length of the opening beside it (F14). */
  readonly until: number
  readonly length: number
  /** The reporter of the last failed probe, or `''` (F21). */
  readonly failedBy: string
}

export interface HalfOpenRecord extends RecordBase {
  readonly state: 'half-open'
  /** The epoch before: who knows of the opening may ask for a probe. */
  readonly opened: number
  /** When probes became due (F21). */
  readonly due: number
  readonly calls: number
  readonly successes: number
  readonly concurrent: number
  readonly passed: number
  readonly failed: number
  readonly failedBy: string
  /** The oldest grant first. */
  readonly leases: readonly Lease[]
  /** The nonces of the newest leases that have ended: a repeated `acquire` must not take a place for nobody (I3). */
  readonly ended: readonly string[]
}

export interface IsolatedRecord extends RecordBase {
  readonly state: 'isolated'
}

/** What is stored of one breaker: plain, JSON-safe data. */
export type BreakerRecord = ClosedRecord | OpenRecord | HalfOpenRecord | IsolatedRecord

/** Closes a choice between variants: a new one without a case does not compile. */
export function impossible(variant: never): never {
  throw new TypeError(`unknown variant ${String(variant)}`)
}

/** What stands for a record that does not exist: nothing has ever happened. */
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

/** Makes sure that what was stored is a record of ours (F16); `undefined` stands for nothing stored. */
export function readRecord(stored: unknown): BreakerRecord | undefined | 'foreign' | 'newer' | 'corrupt' {
  if (stored === undefined) return undefined
  if (typeof stored !== 'object' || stored === null) return 'foreign'
  const { recloser, state } = stored as Partial<Record<string, unknown>>
  if (!isCount(recloser) || recloser === 0) return 'foreign'
  if ((recloser as number) > VERSION) return 'newer'
  if (typeof state !== 'string' || !Object.hasOwn(shapes, state)) return 'corrupt'
  return hasAll(stored, shapes[state as BreakerRecord['state']]) ? (stored as BreakerRecord) : 'corrupt'
}
