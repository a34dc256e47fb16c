import type { JSX } from 'preact'
import { useId, useRef } from 'preact/hooks'
import type { ControlAction } from '../protocol.ts'
import type { Breaker } from './breaker.ts'
import { Details } from './details.tsx'
import { Counts, Figures } from './figures.tsx'
import { clock, date } from './format.ts'
import { memo, useNear, useTopics } from './hooks.ts'
import { StateIcon } from './icons.tsx'
import { Plot } from './plot.tsx'
import type { Store } from './store.ts'
import { Topic } from './topic.ts'
import { ACTIONS, actionWords, fleetWords, reasonWords, shownName, stateWord } from './words.ts'

/** Opens the dialog for a manual change. */
export type Act = (breaker: Breaker, action: ControlAction) => void

interface TileProps {
  readonly store: Store
  readonly breaker: Breaker
  /** `undefined` if the user may only read. */
  readonly act: Act | undefined
}

const NEVER = new Topic()

/**
 * The tile of one breaker. It shows only a name and a state until it first comes near the viewport. While it is away
 * from the viewport, only a change of state updates it. This lets a page hold hundreds of tiles.
 */
export const Tile: ReturnType<typeof memo<TileProps>> = memo(({ store, breaker, act }: TileProps) => {
  const element = useRef<HTMLElement>(null)
  const isNear = useNear(element)
  const filled = useRef(false)
  filled.current ||= isNear
  useTopics(isNear ? breaker.changed : NEVER, breaker.moved)
  const heading = useId()
  const { report, state } = breaker
  return (
    <article ref={element} class="tile" data-state={state} aria-labelledby={heading}>
      <header>
        <h3 id={heading} class="tile-name" title={report.id}>
          {shownName(report.id)}
        </h3>
        <span class="state" data-state={state}>
          <StateIcon state={state} />
          {stateWord[state]}
        </span>
        {filled.current && <Reason breaker={breaker} />}
      </header>
      {filled.current && (
        <>
          <Figures breaker={breaker} />
          {isNear ? <Plot store={store} breaker={breaker} /> : <div class="plot" />}
          <Counts breaker={breaker} />
          <Details breaker={breaker} />
          {act && <Actions breaker={breaker} act={act} heading={heading} />}
        </>
      )}
    </article>
  )
})

/** The reason for the state. */
function Reason({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const { mode, reason, transitions, attempt, since } = breaker.report
  const words = reasonWords(reason ?? transitions[0]?.reason ?? 'No transition yet')
  const [fleet, meaning] = fleetWords(breaker.report) ?? []
  const why = attempt > 1 ? `${words}, attempt ${attempt}` : words
  return (
    <p class="why">
      {mode !== 'enforce' && <span class="mode">{mode === 'observe' ? 'Observe only' : 'Off'}</span>}
      {fleet && (
        <span class="mode" title={meaning} data-link={breaker.report.fleet?.link}>
          {fleet}
        </span>
      )}
      <span title={why}>{why.charAt(0).toUpperCase() + why.slice(1)}</span>
      {breaker.state === 'open' && since !== null && (
        <time dateTime={new Date(since).toISOString()} title={date(since)}>
          since {clock(since)}
        </time>
      )}
    </p>
  )
}

interface ActionsProps {
  readonly breaker: Breaker
  readonly act: Act
  /** The id of the breaker's name. */
  readonly heading: string
}

function Actions({ breaker, act, heading }: ActionsProps): JSX.Element {
  if (breaker.report.mode !== 'enforce')
    return <p class="actions-none">Not enforced: it cannot be controlled.</p>
  return (
    <div class="actions" role="group" aria-labelledby={heading}>
      {ACTIONS.map((action) => (
        <button key={action} type="button" aria-haspopup="dialog" onClick={() => act(breaker, action)}>
          {actionWords[action].verb}
        </button>
      ))}
    </div>
  )
}
