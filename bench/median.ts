/** The value in the middle; of two, the greater one. There must be some. */
export function median(values: readonly number[]): number {
  const middle = values.toSorted((a, b) => a - b)[values.length >> 1]
  if (middle === undefined) throw new RangeError('Expected values to take the median of')
  return middle
}
