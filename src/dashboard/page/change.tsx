import type { JSX } from 'preact'
import type { Transition } from '../../monitor/report.ts'
import { StateIcon } from './icons.tsx'
import { reasonWords, stateWord } from './words.ts'

/** A change of state and its reason. */
export function Change({
  transition: { from, to, reason },
}: {
  readonly transition: Transition
}): JSX.Element {
  return (
    <>
      <span class="change">
        <span class="visually-hidden">{stateWord[from]} to </span>
        <span class="change-to" data-state={to}>
          <StateIcon state={to} />
          {stateWord[to]}
        </span>
      </span>
      <span class="reason">{reasonWords(reason)}</span>
    </>
  )
}
