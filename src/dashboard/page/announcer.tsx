import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Transition } from '../../monitor/report.ts'
import type { Store } from './store.ts'
import { reasonWords, shownName, stateWord } from './words.ts'

/** Milliseconds that transitions are collected before they are read out. */
const GATHER = 400

/** The maximum number of transitions to read out; more are only counted. */
const SPOKEN = 3

/** Announces transitions to screen readers. */
export function Announcer({ store }: { readonly store: Store }): JSX.Element {
  const [words, setWords] = useState('')
  useEffect(() => {
    let gathered: Transition[] = []
    let timer: number | undefined
    store.onTransition = (transition) => {
      gathered.push(transition)
      timer ??= setTimeout(() => {
        setWords(announce(gathered))
        gathered = []
        timer = undefined
      }, GATHER)
    }
  }, [])
  return (
    <p class="visually-hidden" aria-live="polite" data-announcer>
      {words}
    </p>
  )
}

function announce(transitions: readonly Transition[]): string {
  if (transitions.length > SPOKEN) {
    const ids = new Set(transitions.map(({ id }) => id))
    return `${ids.size} circuits changed their state.`
  }
  return transitions
    .map(({ id, to, reason }) => `${shownName(id)}: ${stateWord[to]}, ${reasonWords(reason)}.`)
    .join(' ')
}
