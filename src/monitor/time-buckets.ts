/** The length of a time bucket, in milliseconds of the breaker's own time. */
export const BUCKET_LENGTH = 1_000
/** How many time buckets count as recent, including the current one. */
export const RECENT_BUCKETS = 10
/** How many time buckets are kept, including the current one. */
export const HISTORY_BUCKETS = 120

/** Returns the index of a time bucket in a ring of `size`. A custom clock may start below zero. */
export function bucketIndex(timeBucket: number, size: number): number {
  const index = timeBucket % size
  return index < 0 ? index + size : index
}
