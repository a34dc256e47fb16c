/** The length of a second in the time of a breaker, which is in milliseconds. */
export const SECOND = 1_000
/** How many seconds count as recent, the running one among them. */
export const RECENT = 10
/** How many seconds are remembered, the running one among them. */
export const REMEMBERED = 120

/** Where a second is in a ring of `size`. The clock may have begun below zero. */
export function place(second: number, size: number): number {
  const index = second % size
  return index < 0 ? index + size : index
}
