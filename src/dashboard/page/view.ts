import type { CircuitBreakerState } from '../../base/state.ts'
import type { Sorting, View } from './order.ts'
import { STATES } from './words.ts'

const SORTINGS: readonly string[] = ['worst', 'name', 'traffic', 'errors'] satisfies Sorting[]

/** What the fragment of an address says, so that a view survives a reload and can be sent to others. */
export function readView(fragment: string): View {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''))
  const sorting = fields.get('sort') ?? ''
  const states = (fields.get('state') ?? '').split(',') as CircuitBreakerState[]
  return {
    query: fields.get('search') ?? '',
    states: new Set(states.filter((state) => STATES.includes(state))),
    sorting: SORTINGS.includes(sorting) ? (sorting as Sorting) : 'worst',
  }
}

/** The fragment for a view; empty for the one that is shown at first. */
export function writeView({ query, states, sorting }: View): string {
  const fields = new URLSearchParams()
  if (query !== '') fields.set('search', query)
  if (states.size > 0) fields.set('state', [...states].join(','))
  if (sorting !== 'worst') fields.set('sort', sorting)
  return fields.size === 0 ? '' : `#${fields}`
}
