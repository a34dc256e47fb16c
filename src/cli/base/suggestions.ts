import { quote } from './text.ts'

/** Returns the optimal string alignment distance: the letters to add, remove, replace or swap with the next one. */
function distance(a: string, b: string): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1)
      }
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length]!
}

// Names come from a server. Only the beginning of a very long one is compared, to save time.
const LONGEST = 200

/** Returns the names in `known` that `given` may be a misspelling of: the most similar first, at most `max`. */
export function suggest(given: string, known: readonly string[], max = 3): string[] {
  const wanted = given.toLowerCase().slice(0, LONGEST)
  const allowed = Math.max(1, Math.floor(wanted.length / 3))
  return known
    .map((name) => {
      const candidate = name.toLowerCase().slice(0, LONGEST)
      const part = wanted.length > 1 && (candidate.includes(wanted) || wanted.startsWith(candidate))
      return { name, edits: part && candidate !== '' ? 0.5 : distance(wanted, candidate) }
    })
    .filter(({ edits }) => edits <= allowed)
    .toSorted((a, b) => a.edits - b.edits)
    .slice(0, max)
    .map(({ name }) => name)
}

/** Returns a question that offers these names. */
export const didYouMean = (names: readonly string[]): string =>
  `Did you mean ${names.map(quote).join(' or ')}?`
