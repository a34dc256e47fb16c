/** Whether at most `edits` changes turn `a` into `b`: a letter is added, removed or replaced. */
const isWithin = (edits: number, a: string, b: string): boolean =>
  a === b ||
  (a[0] === b[0]
    ? isWithin(edits, a.slice(1), b.slice(1))
    : edits > 0 &&
      (isWithin(edits - 1, a.slice(1), b.slice(1)) ||
        isWithin(edits - 1, a.slice(1), b) ||
        isWithin(edits - 1, a, b.slice(1))))

/**
 * Returns the known names that `given` may be a misspelling of, whatever its case and the prefix `on`: those with the
 * fewest changes, or those that contain it or are contained in it.
 *
 * @param letters how many letters there must be for each change; above 3, names that contain others do not count
 */
export function nearest<Name extends string>(given: string, known: readonly Name[], letters = 3): Name[] {
  const wanted = given.replace(/^on(?=[A-Z])/, '').toLowerCase()
  const those = (isNear: (name: string) => boolean): Name[] =>
    known.filter((name) => isNear(name.toLowerCase()))
  for (let edits = 0; edits <= Math.min(3, wanted.length / letters); edits++) {
    const near = those((name) => isWithin(edits, wanted, name))
    if (near[0]) return near
  }
  return letters > 3 || wanted.length < 3
    ? []
    : those((name) => name.includes(wanted) || wanted.includes(name))
}
