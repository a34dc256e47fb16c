const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** Shows milliseconds in full: `250 ms`, `1.5 s`, `1 min`, `2 h 30 min`. */
export function showDuration(ms: number): string {
  // Rounded first, so that no unit reaches the next one: 59,999.9 ms are 1 min.
  const short = Number(ms.toFixed(3))
  if (short < 1_000) return `${short} ms`
  const parts: string[] = []
  let left = Math.round(ms)
  for (const [unit, length] of UNITS) {
    const count = Math.floor(left / length)
    left -= count * length
    if (count > 0) parts.push(`${count} ${unit}`)
  }
  if (left > 0) parts.push(`${left / 1_000} s`)
  return parts.join(' ')
}
