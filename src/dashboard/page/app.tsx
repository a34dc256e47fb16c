import type { JSX } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import { Announcer } from './announcer.tsx'
import { ControlDialog, type Command } from './control.tsx'
import { Header } from './header.tsx'
import { Log } from './log.tsx'
import type { Store } from './store.ts'
import type { Stream } from './stream.ts'
import { Tiles } from './tiles.tsx'
import { Toolbar } from './toolbar.tsx'
import { readView, writeView, type View } from './view.ts'

/** Milliseconds that a note is shown. */
const NOTE = 5_000

interface AppProps {
  readonly store: Store
  readonly stream: Stream
}

export function App({ store, stream }: AppProps): JSX.Element {
  const [view, setView] = useState<View>(() => readView(location.hash))
  const [command, setCommand] = useState<Command>()
  const [note, setNote] = useState('')

  useEffect(() => {
    history.replaceState(null, '', `${location.pathname}${location.search}${writeView(view)}`)
  }, [view])
  useEffect(() => {
    if (note === '') return undefined
    const timer = setTimeout(() => setNote(''), NOTE)
    return () => clearTimeout(timer)
  }, [note])

  const act = useCallback((breaker: Command['breaker'], action: Command['action']) => {
    setCommand({ breaker, action })
  }, [])
  const close = (done?: string): void => {
    setCommand(undefined)
    if (done) setNote(done)
  }
  const show = (id: string): void => {
    if (!find(id)) setView({ ...view, query: '', states: new Set() })
    // Waits until the new view is rendered.
    setTimeout(() => pointAt(find(id)))
  }

  return (
    <>
      <a class="skip" href="#breakers" onClick={(event) => skip(event)}>
        Skip to the breakers
      </a>
      <Header store={store} stream={stream} />
      <Toolbar store={store} view={view} setView={setView} />
      <div class="columns">
        <main id="breakers" tabIndex={-1}>
          <h2 class="visually-hidden">Breakers</h2>
          <Tiles store={store} view={view} setView={setView} act={act} />
        </main>
        <Log store={store} show={show} />
      </div>
      {command && <ControlDialog command={command} onClose={close} />}
      <p class="note" role="status">
        {note}
      </p>
      <Announcer store={store} />
    </>
  )
}

const find = (id: string): HTMLElement | null =>
  document.querySelector<HTMLElement>(`.tiles > [data-id="${CSS.escape(id)}"] > article`)

/** Focuses an element that is not focusable by itself. */
function pointAt(element: HTMLElement | null): void {
  if (!element) return
  element.tabIndex = -1
  element.addEventListener('blur', () => element.removeAttribute('tabindex'), { once: true })
  element.focus()
}

// The URL's fragment stores the view, so the link must not change it.
function skip(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#breakers')?.focus()
}
