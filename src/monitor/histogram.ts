/**
 * The duration buckets: eight per power of two, so each bound is 2^(1/8) times the previous one. A duration bucket
 * excludes its lower bound and includes its upper bound, and every power of two in the range is a bound. This is the
 * scheme of OpenTelemetry's exponential histogram at scale 3 and of DDSketch (Masson, Rim, Lee: VLDB 2019).
 */
const PER_OCTAVE = 8
const LOWEST = -11
const HIGHEST = 22
const OCTAVES = HIGHEST - LOWEST

/** A duration of at most this many milliseconds, half a tick of a breaker's time, counts as 0. */
const MIN = 2 ** LOWEST
/** All durations above this many milliseconds (70 minutes) share one duration bucket. */
const MAX = 2 ** HIGHEST

const BEYOND = OCTAVES * PER_OCTAVE + 1
/** The number of duration buckets. */
export const BUCKETS: number = BEYOND + 1

/** The number of groups: duration buckets are grouped by the power of two at or above their upper bound. */
export const GROUPS: number = OCTAVES + 2

const bound = (bucket: number): number =>
  2 ** (LOWEST + Math.floor(bucket / PER_OCTAVE)) * 2 ** ((bucket % PER_OCTAVE) / PER_OCTAVE)

const UPPER = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  bucket < BEYOND ? bound(bucket) : Infinity,
)

// A duration bucket is reported as the geometric mean of its bounds, which is off by at most 2^(1/16) - 1 = 4.4 %.
// Rounding to four significant digits raises the error to at most 4.5 %.
const TYPICAL = Float64Array.from({ length: BUCKETS }, (_, bucket) =>
  bucket === 0 ? 0 : bucket === BEYOND ? MAX : Number((bound(bucket) / 2 ** (1 / 16)).toPrecision(4)),
)

// A logarithm would cost more than the rest of the lookup. Instead, the exponent of the double gives the octave. The
// first six bits of its fraction give the duration bucket up to one comparison: they split the octave so finely that no
// part contains more than one bound.
const SLOTS = 64
const double = new Float64Array(1)
const halves = new Uint32Array(double.buffer)
double[0] = 1
const HIGH = halves[1] === 0 ? 0 : 1 // 0 on big-endian machines, 1 on little-endian ones
const BELOW = Int8Array.from({ length: SLOTS }, (_, slot) =>
  Math.ceil(Math.log2(1 + slot / SLOTS) * PER_OCTAVE),
)

/** Returns the duration bucket for a duration in milliseconds. */
export function bucketOf(duration: number): number {
  if (!(duration > MIN)) return 0
  if (duration > MAX) return BEYOND
  double[0] = duration
  const high = halves[HIGH]!
  const octave = (high >>> 20) - (1023 + LOWEST)
  const bucket = octave * PER_OCTAVE + BELOW[(high >>> 14) & (SLOTS - 1)]!
  return duration > UPPER[bucket]! ? bucket + 1 : bucket
}

/** Returns the duration, in milliseconds, that a duration bucket is reported as. */
export function durationOf(bucket: number): number {
  return TYPICAL[bucket]!
}

/** Returns the group of a duration bucket. Group `g` ends at 2^(g - 11) ms; the last group has no upper bound. */
export function groupOf(bucket: number): number {
  return (bucket + PER_OCTAVE - 1) >> 3
}

/** The upper bounds that are reported, in milliseconds. */
export const BOUNDS: readonly number[] = Object.freeze(Array.from({ length: 17 }, (_, i) => 2 ** i))
/** The group that ends at the first reported bound. */
export const FIRST_BOUND: number = -LOWEST
