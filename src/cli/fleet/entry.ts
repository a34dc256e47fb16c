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

/** A record that cannot be used: its breakers decide alone, and nothing is written there (F16). */
export interface UnusableEntry {
  readonly name: string
  readonly key: string
  readonly unusable: 'foreign' | 'newer' | 'corrupt'
}

/** A record as it is now. */
export interface RecordEntry extends RecordView {
  /** What the breaker is called; where that cannot be told from the key, what stands there. */
  readonly name: string
  readonly key: string
  readonly unusable: null
  /** Whose state is in force: that of the fleet, but while it is closed each process goes by its own. */
  readonly scope: Scope
  /** On how many hosts calls have failed of late, at most eight are known; `null` unless closed. */
  readonly reporters: number | null
}

export type Entry = RecordEntry | UnusableEntry

/** What is to be read of one key: the fields of its hash, or that it is none. */
export type Stored = Fields | 'no hash'

/** The fields in whichever form a client gives them. */
export function toFields(value: unknown): Fields {
  if (value instanceof Map) return Object.fromEntries(value) as Fields
  if (!Array.isArray(value))
    return isObject(value) ? (Object.fromEntries(Object.entries(value)) as Fields) : {}
  const texts = value.map(String)
  return Object.fromEntries(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : [])))
}

/** What a key holds at `now` milliseconds of the store's clock; `undefined` if it has gone. */
export function readEntry(key: string, encoded: string, stored: Stored, now: number): Entry | undefined {
  const name = encoded === '' ? '' : (decode(encoded) ?? encoded)
  const found = stored === 'no hash' ? 'foreign' : readRecord(fromFields(stored))
  if (found === undefined) return undefined
  if (typeof found === 'string') return { name, key, unusable: found }
  // What a reply would show; nothing is written for it.
  const record = expireLeases(repairClock(found, now), now)
  const view = answer(record, { now, adopted: false, reset: false }).record
  return toEntry(name, key, view, record.state === 'closed' ? countReporters(record, now) : 0)
}

/** `reporters`: as far as it is closed. */
export function toEntry(name: string, key: string, view: RecordView, reporters: number): RecordEntry {
  const closed = view.state === 'closed'
  const scope = closed ? 'local' : 'fleet'
  return { name, key, unusable: null, ...view, scope, reporters: closed ? reporters : null }
}

/** On how many hosts the run of failures was seen, or those of one window: whichever are more. */
function countReporters({ rings, epoch, runReporters }: ClosedRecord, now: number): number {
  const counts = Object.keys(rings).map((name) => {
    const [window = 0, buckets = 0, slowerThan = 0] = name.split(':').map(Number)
    if (!(window > 0 && buckets > 0)) return 0
    const nothing = { window, buckets, slowerThan, calls: 0, failures: 0, slow: 0 }
    return addToRing(rings, epoch, now, nothing, '').pooled.failureReporters
  })
  return Math.max(runReporters.length, ...counts)
}
