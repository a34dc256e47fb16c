import type { BreakerTotals, CallCounts } from '../monitor/report.ts'
import type { FleetSnapshot } from '../core/ports.ts'

export const LINKS: readonly FleetSnapshot['link'][] = ['connecting', 'live', 'degraded']

export const OUTCOMES: readonly (keyof CallCounts)[] = ['success', 'failure', 'ignored', 'late', 'rejected']

type Transitions = BreakerTotals['transitions']

const CYCLE: Transitions = [
  { from: 'closed', to: 'open', count: 0 },
  { from: 'open', to: 'half-open', count: 0 },
  { from: 'half-open', to: 'open', count: 0 },
  { from: 'half-open', to: 'closed', count: 0 },
]

/**
 * Returns the transitions that happened, and zero for those of the usual cycle that did not. A counter that first
 * appears with its first event shows no increase to a query.
 */
export function transitionsOf({ transitions }: BreakerTotals): Transitions {
  const missing = CYCLE.filter(
    ({ from, to }) => !transitions.some((each) => each.from === from && each.to === to),
  )
  return [...transitions, ...missing]
}
