import type { CircuitBreaker } from '../../src/index.ts'

/** Returns a list that grows with each transition from now on, such as `'closed > open (manual)'`. */
export function transitionsOf(breaker: CircuitBreaker): string[] {
  const seen: string[] = []
  breaker.addListener({ stateChange: ({ from, to, reason }) => seen.push(`${from} > ${to} (${reason})`) })
  return seen
}
