import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Breaker } from './breaker.ts'
import { clock, count, date } from './format.ts'
import { Change } from './change.tsx'
import { reasonWords, stateWord } from './words.ts'

/** Details that are collapsed by default: the last failure in full, the last transitions, the fleet and the totals. */
export function Details({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const [open, setOpen] = useState(false)
  const { lastFailure, transitions } = breaker.report
  return (
    <details class="details" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="details-label">Last failure</span>
        <span class="details-failure">
          {lastFailure ? `${lastFailure.name}: ${lastFailure.message}` : 'none'}
        </span>
      </summary>
      {open && (
        <>
          {lastFailure && <p class="failure">{`${lastFailure.name}: ${lastFailure.message}`}</p>}
          <h4>Last transitions</h4>
          {transitions.length === 0 ? (
            <p>None since the monitor started to watch it.</p>
          ) : (
            <ol class="changes">
              {transitions.map((transition) => (
                <li key={`${transition.at} ${transition.to}`}>
                  <time dateTime={new Date(transition.at).toISOString()} title={date(transition.at)}>
                    {clock(transition.at)}
                  </time>
                  <Change transition={transition} />
                </li>
              ))}
            </ol>
          )}
          <Fleet breaker={breaker} />
          <h4>Since it was first watched</h4>
          <Totals breaker={breaker} />
        </>
      )}
    </details>
  )
}

/** The record of the breaker's fleet. */
function Fleet({ breaker }: { readonly breaker: Breaker }): JSX.Element | null {
  const { fleet } = breaker.report
  if (!fleet) return null
  const { state, reason, by } = fleet
  const why = [reasonWords(reason), by && `by ${by}`].filter(Boolean).join(', ')
  return (
    <>
      <h4>Its fleet, as last received</h4>
      <p class="fleet">{state === null ? 'Not received yet.' : `${stateWord[state]}${why && `: ${why}`}`}</p>
    </>
  )
}

function Totals({ breaker }: { readonly breaker: Breaker }): JSX.Element {
  const { total, failCounter } = breaker.report
  const rows: readonly (readonly [string, number])[] = [
    ['Success', total.success],
    ['Failure', total.failure],
    ['Rejected', total.rejected],
    ['Ignored', total.ignored],
    ['Late', total.late],
  ]
  return (
    <>
      <dl class="counts">
        {rows.map(([label, calls]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{count(calls)}</dd>
          </div>
        ))}
      </dl>
      <p>Consecutive failures: {count(failCounter)}</p>
    </>
  )
}
