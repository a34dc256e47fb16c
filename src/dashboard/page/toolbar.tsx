import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { CircuitBreakerState } from '../../base/state.ts'
import { count } from './format.ts'
import { useTopics } from './hooks.ts'
import { Icon, StateIcon } from './icons.tsx'
import type { Store } from './store.ts'
import { tally, type Sorting, type View } from './view.ts'
import { stateWord, WORST_FIRST } from './words.ts'

const SORTINGS: readonly (readonly [Sorting, string])[] = [
  ['worst', 'Worst first'],
  ['errors', 'Error rate'],
  ['traffic', 'Traffic'],
  ['name', 'Name'],
]

interface ToolbarProps {
  readonly store: Store
  readonly view: View
  readonly setView: (view: View) => void
}

/** The controls for searching, filtering and sorting. */
export function Toolbar({ store, view, setView }: ToolbarProps): JSX.Element {
  useTopics(store.listed)
  const counts = tally(store.breakers.values())
  const toggle = (state: CircuitBreakerState) => {
    const states = new Set(view.states)
    if (!states.delete(state)) states.add(state)
    setView({ ...view, states })
  }
  return (
    <search class="toolbar">
      <div class="chips" role="group" aria-label="Show only">
        {WORST_FIRST.map((state) => (
          <button
            key={state}
            type="button"
            class="chip"
            data-state={state}
            data-none={counts[state] === 0}
            aria-pressed={view.states.has(state)}
            onClick={() => toggle(state)}
          >
            <StateIcon state={state} />
            {stateWord[state]} <b>{count(counts[state])}</b>
          </button>
        ))}
      </div>
      <Search query={view.query} setQuery={(query) => setView({ ...view, query })} />
      <label class="sorting">
        <span>Sort by</span>
        <select
          value={view.sorting}
          onChange={(event) => setView({ ...view, sorting: event.currentTarget.value as Sorting })}
        >
          {SORTINGS.map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      </label>
    </search>
  )
}

interface SearchProps {
  readonly query: string
  readonly setQuery: (query: string) => void
}

function Search({ query, setQuery }: SearchProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const { tagName } = event.target as Element
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
      if (tagName === 'INPUT' || tagName === 'SELECT') return
      event.preventDefault()
      input.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  return (
    <label class="search">
      <span class="visually-hidden">Search by name</span>
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        placeholder="Search by name"
        aria-keyshortcuts="/"
        autocomplete="off"
        spellcheck={false}
        value={query}
        onInput={(event) => setQuery(event.currentTarget.value)}
      />
    </label>
  )
}
