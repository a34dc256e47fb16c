import type { JSX } from 'preact'
import { Change } from './change.tsx'
import { clock, date } from './format.ts'
import { useTopics } from './hooks.ts'
import type { Store } from './store.ts'
import { shownName, stateWord } from './words.ts'

interface LogProps {
  readonly store: Store
  /** Scrolls to a breaker's tile and focuses it. */
  readonly show: (id: string) => void
}

const wide = matchMedia('(min-width: 68rem)')

/** The last transitions of all breakers. */
export function Log({ store, show }: LogProps): JSX.Element {
  useTopics(store.logged)
  const { transitions } = store
  const [latest] = transitions
  return (
    <aside class="log" aria-labelledby="log-title">
      <details open={wide.matches}>
        <summary>
          <h2 id="log-title">Transitions</h2>
          {latest && <span class="log-latest">{`${shownName(latest.id)}: ${stateWord[latest.to]}`}</span>}
        </summary>
        {transitions.length === 0 ? (
          <p class="log-none">No transitions yet.</p>
        ) : (
          <ol tabIndex={0} aria-labelledby="log-title">
            {transitions.map((transition) => (
              <li key={`${transition.at} ${transition.id} ${transition.to}`}>
                <button type="button" class="log-name" onClick={() => show(transition.id)}>
                  {shownName(transition.id)}
                </button>
                <time dateTime={new Date(transition.at).toISOString()} title={date(transition.at)}>
                  {clock(transition.at)}
                </time>
                <span class="what">
                  <Change transition={transition} />
                </span>
              </li>
            ))}
          </ol>
        )}
      </details>
    </aside>
  )
}
