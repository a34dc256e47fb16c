import { LONGEST_RING, MOST, MOST_REPORTERS, MOST_RINGS } from '../contract/limits.ts'
import type { RingBatch, RingKey } from '../contract/commands.ts'
import type { PooledRing } from '../contract/replies.ts'

/*
 * A ring is stored as text, so that any store can hold it, and a command parses only the rings that it needs:
 *
 *   ring = epoch ":" newest ":" size ":" counts 1*( ";" bucket )    the newest bucket first; `newest` is its number,
 *                                                                   floor(ms × buckets / window)
 *   counts = calls "," failures "," slow                            the sums of all buckets
 *   bucket = [ calls / counts *( " " flag reporter ) ]              flag 1: saw failures, 2: slow calls, 3: both
 *
 * The sums are kept, so that a command need not parse buckets but the newest and those that expire, and `size` is the
 * number of buckets, so that it need not count them. A ring that cannot be parsed, or is longer than any can be, counts as
 * empty, and so does what cannot be parsed of a bucket.
 */

interface Counts {
  readonly calls: number
  readonly failures: number
  readonly slow: number
}

interface Ring extends Counts {
  /** The number of the bucket of now. */
  readonly newest: number
  /** How many buckets that is after the newest one below. */
  readonly age: number
  /** The number of live buckets, those since the newest one included; 0 if the ring is empty. */
  readonly size: number
  /** The live buckets as text, the newest first. */
  readonly buckets: readonly string[]
}

const FAILED = 1
const SLOW = 2

export const ringName = ({ window, buckets, slowerThan }: RingKey): string =>
  `${window}:${buckets}:${slowerThan}`

const HEAD = /^(\d+):(\d+):(\d{1,2}|100):(\d+),(\d+),(\d+);/

const plus = (a: Counts, b: Counts, sign: 1 | -1 = 1): Counts => ({
  calls: clamp(a.calls + sign * b.calls),
  failures: clamp(a.failures + sign * b.failures),
  slow: clamp(a.slow + sign * b.slow),
})

const clamp = (count: number): number => Math.min(Math.max(0, count), MOST)

/** Parses a ring and drops its expired buckets. If the clock was set back, the whole ring moves back with it. */
function readRing(text: string, epoch: number, now: number, key: Omit<RingKey, 'slowerThan'>): Ring {
  const newest = Math.floor((now * key.buckets) / key.window)
  // An empty ring is one whose first bucket is yet to come.
  const empty = { newest, age: 1, size: 0, calls: 0, failures: 0, slow: 0, buckets: [] }
  const head = text.length <= LONGEST_RING && HEAD.exec(text)
  if (!head || head[1] !== String(epoch)) return empty
  const [at = 0, before = 0, calls = 0, failures = 0, slow = 0] = head.slice(2).map(Number)
  const age = Math.max(0, newest - at)
  if (age >= key.buckets) return empty
  const buckets = text.slice(head[0].length).split(';')
  const expired = Math.max(0, before + age - key.buckets)
  let counts = plus({ calls, failures, slow }, { calls: 0, failures: 0, slow: 0 })
  for (const bucket of buckets.splice(Math.max(0, buckets.length - expired)).toReversed()) {
    counts = plus(counts, readBucket(bucket), -1)
  }
  return { newest, age, size: Math.min(before + age, key.buckets), ...counts, buckets }
}

function readBucket(text: string): Counts & { readonly reporters: string } {
  const [, calls = 0, failures = 0, slow = 0, reporters = ''] =
    /^(\d*)(?:,(\d+),(\d+)(.*))?/s.exec(text) ?? []
  return { calls: Number(calls), failures: Number(failures), slow: Number(slow), reporters }
}

function readReporters(text: string): Map<string, number> {
  const reporters = new Map<string, number>()
  for (const [, flags, reporter = ''] of text.matchAll(/ ([123])([\w-]+)/g)) {
    reporters.set(reporter, (reporters.get(reporter) ?? 0) | Number(flags))
  }
  return reporters
}

/** Adds what a reporter saw to the reporters of a bucket, unless the bucket has eight others. */
function addReporter(text: string, reporter: string, saw: number): string {
  if (saw === 0) return text
  const reporters = readReporters(text)
  const known = reporters.get(reporter) ?? 0
  if ((known | saw) === known || (known === 0 && reporters.size >= MOST_REPORTERS)) return text
  reporters.set(reporter, known | saw)
  return [...reporters].map(([name, flags]) => ` ${flags}${name}`).join('')
}

const writeCounts = ({ calls, failures, slow }: Counts): string => [calls, failures, slow].join(',')

function addToBucket(text: string, batch: RingBatch, reporter: string): string {
  const bucket = readBucket(text)
  const counts = plus(bucket, batch)
  const saw = (batch.failures > 0 ? FAILED : 0) | (batch.slow > 0 ? SLOW : 0)
  const reporters = addReporter(bucket.reporters, reporter, saw)
  const isPlain = counts.failures === 0 && counts.slow === 0 && reporters === ''
  return isPlain ? String(counts.calls) : writeCounts(counts) + reporters
}

function pool({ calls, failures, slow, buckets }: Ring): PooledRing {
  // Most rings have no failures and no slow calls, and so no reporters.
  const reporters = failures + slow > 0 ? [...readReporters(buckets.join(';')).values()] : []
  const failureReporters = reporters.filter((flags) => flags & FAILED).length
  const slowReporters = reporters.filter((flags) => flags & SLOW).length
  return { calls, failures, slow, failureReporters, slowReporters }
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
    const key = { window: Number(window), buckets: Number(buckets) }
    return key.window > 0 && key.buckets > 0 && readRing(text, epoch, now, key).size > 0
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
  const ring = readRing(before ?? '', epoch, now, batch)
  if (batch.calls === 0) return { rings, pooled: pool(ring) }
  const others = before === undefined ? makeRoom(rings, epoch, now) : rings
  if (before === undefined && Object.keys(others).length >= MOST_RINGS) {
    return { rings: others, pooled: EMPTY_RING }
  }
  const { newest, age, size } = ring
  const [current = '', ...older] =
    age === 0 ? ring.buckets : ['', ...Array<string>(age - 1).fill(''), ...ring.buckets]
  const after = { ...ring, ...plus(ring, batch), buckets: [addToBucket(current, batch, reporter), ...older] }
  const text = [`${epoch}:${newest}:${Math.max(1, size)}:${writeCounts(after)}`, ...after.buckets].join(';')
  return { rings: { ...others, [name]: text }, pooled: pool(after) }
}

/** Returns the longest window of the rings, in milliseconds. */
export function longestWindow(rings: Rings): number {
  return Math.max(0, ...Object.keys(rings).map((name) => Number(/^\d+/.exec(name)?.[0] ?? 0)))
}
