import type { CircuitBreakerState } from '../../base/state.ts'
import type { Breaker } from './breaker.ts'
import { WORST_FIRST } from './words.ts'

export type Sorting = 'worst' | 'name' | 'traffic' | 'errors'

/** Which breakers are shown, and in what order. */
export interface View {
  readonly query: string
  /** The states to show; all if empty. */
  readonly states: ReadonlySet<CircuitBreakerState>
  readonly sorting: Sorting
}

type Comparison = (a: Breaker, b: Breaker) => number

const byName: Comparison = (a, b) => collator.compare(a.report.id, b.report.id)
const byState: Comparison = (a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state)
const byErrors: Comparison = (a, b) =>
  (b.report.recent.failureRate ?? -1) - (a.report.recent.failureRate ?? -1)
const byTraffic: Comparison = (a, b) => b.report.recent.callsPerSecond - a.report.recent.callsPerSecond

const collator = new Intl.Collator('en', { numeric: true })

const COMPARISONS: Readonly<Record<Sorting, readonly Comparison[]>> = {
  worst: [byState, byErrors, byName],
  name: [byName],
  traffic: [byTraffic, byName],
  errors: [byErrors, byName],
}

/** Returns the breakers to show, in order. */
export function arrange(breakers: Iterable<Breaker>, { query, states, sorting }: View): Breaker[] {
  const wanted = query.trim().toLowerCase()
  const comparisons = COMPARISONS[sorting]
  return [...breakers]
    .filter((each) => states.size === 0 || states.has(each.state))
    .filter((each) => wanted === '' || each.report.id.toLowerCase().includes(wanted))
    .toSorted((a, b) => {
      for (const compare of comparisons) {
        const difference = compare(a, b)
        if (difference !== 0) return difference
      }
      return 0
    })
}

/** Counts the breakers in each state. */
export function tally(breakers: Iterable<Breaker>): Record<CircuitBreakerState, number> {
  const counts = { closed: 0, 'half-open': 0, open: 0, isolated: 0 }
  for (const { state } of breakers) counts[state]++
  return counts
}

/** Reads a view from a URL's fragment, so that it survives a reload and can be shared. */
export function readView(fragment: string): View {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''))
  const sorting = fields.get('sort') ?? ''
  const states = (fields.get('state') ?? '').split(',') as CircuitBreakerState[]
  return {
    query: fields.get('search') ?? '',
    states: new Set(states.filter((state) => WORST_FIRST.includes(state))),
    sorting: Object.hasOwn(COMPARISONS, sorting) ? (sorting as Sorting) : 'worst',
  }
}

/** Returns the URL fragment for a view; empty for the default view. */
export function writeView({ query, states, sorting }: View): string {
  const fields = new URLSearchParams()
  if (query !== '') fields.set('search', query)
  if (states.size > 0) fields.set('state', [...states].join(','))
  if (sorting !== 'worst') fields.set('sort', sorting)
  return fields.size === 0 ? '' : `#${fields}`
}
