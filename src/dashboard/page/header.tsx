import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Health } from '../../monitor/report.ts'
import { clock } from './format.ts'
import { useTopics } from './hooks.ts'
import { Icon, Mark } from './icons.tsx'
import type { Store } from './store.ts'
import type { Stream } from './stream.ts'
import { setTheme, storedTheme, THEMES } from './theme.ts'

const HEALTH: Readonly<Record<Health, string>> = { up: 'Up', degraded: 'Degraded', down: 'Down' }

interface HeaderProps {
  readonly store: Store
  readonly stream: Stream
}

export function Header({ store, stream }: HeaderProps): JSX.Element {
  useTopics(store.listed, stream.changed)
  return (
    <header class="top">
      <Mark />
      <h1>Circuit breakers</h1>
      {store.known && (
        <p class="health" data-health={store.health}>
          <span class="visually-hidden">Health: </span>
          {HEALTH[store.health]}
        </p>
      )}
      <div class="top-end">
        {store.known && !store.control && (
          <p class="read-only">
            <Icon name="eye" />
            Read-only
          </p>
        )}
        <LinkState stream={stream} />
        <ThemeButton />
      </div>
    </header>
  )
}

function LinkState({ stream }: { readonly stream: Stream }): JSX.Element {
  const words = {
    connecting: 'Connecting …',
    live: 'Live',
    lost: `Reconnecting · as of ${clock(stream.receivedAt)}`,
  }
  return (
    <p class="link" role="status" data-link={stream.link}>
      {words[stream.link]}
    </p>
  )
}

function ThemeButton(): JSX.Element {
  const [theme, choose] = useState(storedTheme)
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!
  const change = () => {
    choose(next)
    setTheme(next)
  }
  return (
    <button
      type="button"
      class="button theme"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}`}
      onClick={change}
    >
      <Icon name={theme} />
    </button>
  )
}
