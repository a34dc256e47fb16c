/**
 * The buckets that durations are counted in: eight per power of two, so that each bound is 2^(1/8) times the one below.
 * A bucket holds what is above its lower bound and at most its upper one, and powers of two are bounds. It is the scheme
 * of OpenTelemetry's exponential histogram at scale 3 and of DDSketch (Masson, Rim, Lee: VLDB 2019).
 */
const PER_OCTAVE = 8
const LOWEST = -11
const HIGHEST = 22
const OCTAVES = HIGHEST - LOWEST

/** Up to this many milliseconds a duration counts as 0: it is half a tick of a breaker's time. */
const MIN = 2 ** LOWEST
/** Beyond this many milliseconds, which are 70 minutes, nothing is told apart. */
const MAX = 2 ** HIGHEST

const BEYOND = OCTAVES * PER_OCTAVE + 1
/** How many buckets there are. */
export const BUCKETS: number = BEYOND + 1

/** How many groups there are if those buckets are put together that end at the same power of two. */
export const GROUPS: number = OCTAVES + 2

const bound = (bucket: number): number =>
  2 ** (LOWEST + Math.floor(bucket / PER_OCTAVE)) * 2 ** ((bucket % PER_OCTAVE) / PER_OCTAVE)

const UPPER = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  bucket < BEYOND ? bound(bucket) : Infinity,
)

// What stands for a bucket is the geometric mean of its bounds, which is off by at most 2^(1/16) - 1 = 4.4 %. Four digits
// are enough for that; they make it 4.5 %.
const TYPICAL = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  bucket === 0 ? 0 : bucket === BEYOND ? MAX : Number((bound(bucket) / 2 ** (1 / 16)).toPrecision(4)),
)

// A logarithm would cost more than all else. The exponent of a double says the octave, and the first six bits of its
// fraction say the bucket up to one comparison, since there is never more than one bound between two of their values.
const SLOTS = 64
const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
double[0] = 1
const HIGH = halves[1] === 0 ? 0 : 1 // big-endian or little-endian
const BELOW = Int8Array.from({ length: SLOTS }, (_, slot) =>
  Math.ceil(Math.log2(1 + slot / SLOTS) * PER_OCTAVE),
)

/** The bucket for a duration in milliseconds. */
export function bucketOf(duration: number): number {
  if (!(duration > MIN)) return 0
  if (duration > MAX) return BEYOND
  double[0] = duration
  const high = halves[HIGH]!
  const octave = (high >>> 20) - (1023 + LOWEST)
  const bucket = octave * PER_OCTAVE + BELOW[(high >>> 14) & (SLOTS - 1)]!
  return duration > UPPER[bucket]! ? bucket + 1 : bucket
}

/** The duration in milliseconds that stands for a bucket. */
export function durationOf(bucket: number): number {
  return TYPICAL[bucket]!
}

/** The group of a bucket: group `g` ends at 2^(g - 11) ms; the last one has no end. */
export function groupOf(bucket: number): number {
  return (bucket + PER_OCTAVE - 1) >> 3
}

/** The bounds that are told to others, and the group that ends at the first of them. */
export const BOUNDS: readonly number[] = Object.freeze(Array.from({ length: 17 }, (_, i) => 2 ** i))
export const FIRST_BOUND: number = -LOWEST
