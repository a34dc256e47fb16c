/**
 * Returns the median of the values; where two are in the middle, the greater one.
 *
 * @throws {RangeError} when there are no values
 */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1]
  if (middle === undefined) throw new RangeError('Expected values to take the median of')
  return middle
}
