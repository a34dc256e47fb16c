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
export function readEntry(key: string, encoded: string, stored: Stored, now: number): Entry | undefined {
  const name = encoded === '' ? '' : (decode(encoded) ?? encoded)
  const found = stored === 'no hash' ? 'foreign' : readRecord(fromFields(stored))
  if (found === undefined) return undefined
  if (typeof found === 'string') return { name, key, unusable: found }
  // The state that a reply would show. Nothing is written.
  const record = expireLeases(repairClock(found, now), now)
  const view = answer(record, { now, adopted: false, reset: false }).record
  return toEntry(name, key, view, record.state === 'closed' ? countReporters(record, now) : 0)
}

/** Returns the entry of a record. It ignores `reporters` unless the record is closed. */
export function toEntry(name: string, key: string, view: RecordView, reporters: number): RecordEntry {
  const closed = view.state === 'closed'
  const scope = closed ? 'local' : 'fleet'
  return { name, key, unusable: null, ...view, scope, reporters: closed ? reporters : null }
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
