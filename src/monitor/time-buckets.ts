/** The length of a second in the time of a breaker, which is in milliseconds. */
export const BUCKET_LENGTH = 1_000
/** How many seconds count as recent, the running one among them. */
export const RECENT_BUCKETS = 10
/** How many seconds are remembered, the running one among them. */
export const HISTORY_BUCKETS = 120

/** Where a second is in a ring of `size`. The clock may have begun below zero. */
export function bucketIndex(second: number, size: number): number {
  const index = second % size
  return index < 0 ? index + size : index
}
