import { MOST, MOST_REPORTERS, MOST_RINGS } from '../contract/limits.ts'
import type { RingBatch, RingKey } from '../contract/commands.ts'
import type { PooledRing } from '../contract/replies.ts'

/*
 * A ring is stored as text, so that any store can hold it, and a command parses only the rings that it needs:
 *
 *   ring = epoch ":" newest 1*( ";" bucket )      the newest bucket first, number floor(ms × buckets / window)
 *   bucket = [ calls "," failures "," slow *( "," flag reporter ) ]      flag 1: saw failures, 2: slow calls, 3: both
 *
 * A ring or a bucket that cannot be parsed counts as empty.
 */

/** The number of the newest bucket, and the buckets as text, the newest first. */
interface Ring {
  readonly newest: number
  readonly buckets: readonly string[]
}

const FAILED = 1
const SLOW = 2

export const ringName = ({ window, buckets, slowerThan }: RingKey): string =>
  `${window}:${buckets}:${slowerThan}`

const bucketAt = (now: number, { window, buckets }: Pick<RingKey, 'window' | 'buckets'>): number =>
  Math.floor((now * buckets) / window)

/** Parses a ring and drops its expired buckets. If the clock was set back, the whole ring moves back with it. */
function readRing(text: string | undefined, epoch: number, now: number, key: RingKey): Ring {
  const newest = bucketAt(now, key)
  const head = /^(\d+):(\d+);/.exec(text ?? '')
  if (!head || text === undefined || Number(head[1]) !== epoch) return { newest, buckets: [] }
  const age = Math.max(0, newest - Number(head[2]))
  if (age >= key.buckets) return { newest, buckets: [] }
  const buckets = [...Array<string>(age).fill(''), ...text.split(';').slice(1)].slice(0, key.buckets)
  return { newest, buckets }
}

function writeRing({ newest, buckets }: Ring, epoch: number): string {
  const end = buckets.findLastIndex((bucket) => bucket !== '') + 1
  return [`${epoch}:${newest}`, ...buckets.slice(0, end)].join(';')
}

interface Bucket {
  readonly calls: number
  readonly failures: number
  readonly slow: number
  /** The reporters, as text. */
  readonly rest: string
}

function readBucket(text: string): Bucket {
  const [, calls = 0, failures = 0, slow = 0, rest = ''] = /^(\d+),(\d+),(\d+)(.*)$/s.exec(text) ?? []
  return { calls: Number(calls), failures: Number(failures), slow: Number(slow), rest }
}

function readReporters(rest: string): Map<string, number> {
  const reporters = new Map<string, number>()
  for (const [, flags, reporter = ''] of rest.matchAll(/,([123])([\w-]+)/g)) {
    reporters.set(reporter, (reporters.get(reporter) ?? 0) | Number(flags))
  }
  return reporters
}

/** Adds what a reporter saw to the reporters of a bucket, unless the bucket has eight others. */
function addReporter(rest: string, reporter: string, saw: number): string {
  if (saw === 0) return rest
  const reporters = readReporters(rest)
  const known = reporters.get(reporter) ?? 0
  if ((known | saw) === known || (known === 0 && reporters.size >= MOST_REPORTERS)) return rest
  reporters.set(reporter, known | saw)
  return [...reporters].map(([name, flags]) => `,${flags}${name}`).join('')
}

function addToBucket(text: string, batch: RingBatch, reporter: string): string {
  const { calls, failures, slow, rest } = readBucket(text)
  const counts = [calls + batch.calls, failures + batch.failures, slow + batch.slow]
  const saw = (batch.failures > 0 ? FAILED : 0) | (batch.slow > 0 ? SLOW : 0)
  return counts.map((count) => Math.min(count, MOST)).join(',') + addReporter(rest, reporter, saw)
}

function sum(ring: Ring): PooledRing {
  const total = { calls: 0, failures: 0, slow: 0 }
  const failedOn = new Set<string>()
  const slowOn = new Set<string>()
  for (const text of ring.buckets) {
    const { calls, failures, slow, rest } = readBucket(text)
    total.calls = Math.min(total.calls + calls, MOST)
    total.failures = Math.min(total.failures + failures, MOST)
    total.slow = Math.min(total.slow + slow, MOST)
    for (const [reporter, flags] of readReporters(rest)) {
      if (flags & FAILED) failedOn.add(reporter)
      if (flags & SLOW) slowOn.add(reporter)
    }
  }
  return { ...total, failureReporters: failedOn.size, slowReporters: slowOn.size }
}

export const EMPTY_RING: PooledRing = {
  calls: 0,
  failures: 0,
  slow: 0,
  failureReporters: 0,
  slowReporters: 0,
}

type Rings = Readonly<Record<string, string>>

/** Makes room for another ring where there are four already, by removing those without a live bucket. */
function makeRoom(rings: Rings, epoch: number, now: number): Rings {
  const all = Object.entries(rings)
  if (all.length < MOST_RINGS) return rings
  const live = all.filter(([name, text]) => {
    const [, window, buckets] = /^(\d+):(\d+):\d+$/.exec(name) ?? []
    const key = { window: Number(window), buckets: Number(buckets), slowerThan: 0 }
    return key.window > 0 && key.buckets > 0 && readRing(text, epoch, now, key).buckets.length > 0
  })
  return live.length < all.length ? Object.fromEntries(live) : rings
}

/** Adds a batch to its ring, unless the batch is empty or four other rings are live. Returns the sums of the ring. */
export function addToRing(
  rings: Rings,
  epoch: number,
  now: number,
  batch: RingBatch,
  reporter: string,
): { readonly rings: Rings; readonly pooled: PooledRing } {
  const name = ringName(batch)
  const before = Object.hasOwn(rings, name) ? rings[name] : undefined
  const ring = readRing(before, epoch, now, batch)
  if (batch.calls === 0) return { rings, pooled: sum(ring) }
  const others = before === undefined ? makeRoom(rings, epoch, now) : rings
  if (before === undefined && Object.keys(others).length >= MOST_RINGS) {
    return { rings: others, pooled: EMPTY_RING }
  }
  const [newest = '', ...older] = ring.buckets
  const after = { newest: ring.newest, buckets: [addToBucket(newest, batch, reporter), ...older] }
  return { rings: { ...others, [name]: writeRing(after, epoch) }, pooled: sum(after) }
}

/** Returns the longest window of the rings, in milliseconds. */
export function longestWindow(rings: Rings): number {
  return Math.max(0, ...Object.keys(rings).map((name) => Number(/^\d+/.exec(name)?.[0] ?? 0)))
}
