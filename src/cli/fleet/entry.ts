import { expireLeases } from '../../storage/reducer/half-open.ts'
import { readRecord, type ClosedRecord } from '../../storage/reducer/record.ts'
import { repairClock } from '../../storage/reducer/repair.ts'
import { addToRing } from '../../storage/reducer/rings.ts'
import { answer } from '../../storage/reducer/view.ts'
import { fromFields, type Fields } from '../../storage/redis/fields.ts'
import { decode } from '../../storage/redis/names.ts'
import type { RecordView } from '../../storage/contract/replies.ts'
import type { Scope } from '../../base/state.ts'
import { isObject } from '../../base/validate.ts'
import { cut, printable } from '../base/text.ts'

/** The most UTF-16 units of a key that are kept: more than our own keys can have. */
const LONGEST_KEY = 2_000

/** A record that cannot be used: its breakers decide locally, and nothing is written to it (F16). */
export interface UnusableEntry {
  readonly name: string
  readonly key: string
  readonly unusable: 'foreign' | 'newer' | 'corrupt'
}

/** A record, as of the time at which it was read. */
export interface RecordEntry extends RecordView {
  /** The name of the breaker; in its encoded form, if it cannot be decoded. */
  readonly name: string
  readonly key: string
  readonly unusable: null
  /** Whose state is in force: the fleet's, except while it is closed. Then each process uses its own. */
  readonly scope: Scope
  /** The number of hosts on which calls have failed recently (at most eight per bucket); `null` unless closed. */
  readonly reporters: number | null
  /** Who made the manual change that began this state (F9c); `''` if the state has another cause. */
  readonly actor: string
  /**
   * Milliseconds since the record noted that calls are reported, which it does once a minute (F15b); `null` unless it is
   * closed, and calls have been reported since.
   */
  readonly reported: number | null
}

export type Entry = RecordEntry | UnusableEntry

/** What a key holds: the fields of a hash, or something else. */
export type Stored = Fields | 'no hash'

/** Converts the fields of a hash from the format in which a client returns them. */
export function toFields(value: unknown): Fields {
  if (value instanceof Map) return Object.fromEntries(value) as Fields
  if (!Array.isArray(value))
    return isObject(value) ? (Object.fromEntries(Object.entries(value)) as Fields) : {}
  const texts = value.map(String)
  return Object.fromEntries(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : [])))
}

/** Returns what a key holds at `now`, in milliseconds of the store's clock; `undefined` if the key no longer exists. */
export function readEntry(at: string, encoded: string, stored: Stored, now: number): Entry | undefined {
  const key = cut(at, LONGEST_KEY)
  const name = cut(encoded === '' ? '' : (decode(encoded) ?? encoded), LONGEST_KEY)
  const found = stored === 'no hash' ? 'foreign' : readRecord(fromFields(stored))
  if (found === undefined) return undefined
  if (typeof found === 'string') return { name, key, unusable: found }
  // The state that a reply would show. Nothing is written.
  const record = expireLeases(repairClock(found, now), now)
  const view = answer(record, { now, adopted: false, reset: false }).record
  if (record.state !== 'closed') return toEntry(name, key, view)
  const { reportedAt } = record
  const reported = reportedAt === 0 ? null : Math.max(0, now - reportedAt)
  return { ...toEntry(name, key, view), reporters: countReporters(record, now), reported }
}

/** Returns the entry of a record in whose state no host has reported anything yet. */
export function toEntry(name: string, key: string, view: RecordView): RecordEntry {
  const { state, epoch, manual } = view
  const [scope, reporters] = state === 'closed' ? (['local', 0] as const) : (['fleet', null] as const)
  const actor = manual.epoch === epoch ? manual.actor : ''
  return { name, key, unusable: null, ...view, scope, reporters, actor, reported: null }
}

/** Returns who or what began the state, for people: `cli:ann`, `ann on web-1`, or only the reporter. */
export function authorOf({ actor, by }: RecordEntry): string {
  const isEnough = actor !== '' && (by === '' || /^cli(:|$)/.test(actor))
  return printable(isEnough ? actor : [actor, by].filter((each) => each !== '').join(' on '))
}

/** Returns the number of hosts that reported the run of failures or those in one window, whichever is the largest. */
function countReporters({ rings, epoch, runReporters }: ClosedRecord, now: number): number {
  const counts = Object.keys(rings).map((name) => {
    const [window = 0, buckets = 0, slowerThan = 0] = name.split(':').map(Number)
    if (!(window > 0 && buckets > 0)) return 0
    const emptyBatch = { window, buckets, slowerThan, calls: 0, failures: 0, slow: 0 }
    return addToRing(rings, epoch, now, emptyBatch, '').pooled.failureReporters
  })
  return Math.max(runReporters.length, ...counts)
}
