import { render } from 'preact'
import { App } from './app.tsx'
import { Store } from './store.ts'
import { Stream } from './stream.ts'
import { setTheme, storedTheme } from './theme.ts'
import { tally } from './view.ts'

const TITLE = document.title

// Readable on the browser's tab bar, light or dark.
const COLORS = { up: '#2f9e73', degraded: '#d98a1c', down: '#e0433d' }

const drawing = (color: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="${color}" stroke-width="4" stroke-linecap="round"><path d="M2 20h7M23 20h7M9 20L21 8"/><circle cx="9" cy="20" r="2.5"/><circle cx="23" cy="20" r="2.5"/></svg>`

/** Shows the number of open and isolated circuits in the tab's title, and the health in its icon. */
function labelTab(store: Store): void {
  const { open, isolated } = tally(store.breakers.values())
  const down = open + isolated
  document.title = down > 0 ? `(${down}) ${TITLE}` : TITLE
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
  if (icon) icon.href = `data:image/svg+xml,${encodeURIComponent(drawing(COLORS[store.health]))}`
}

setTheme(storedTheme())
const store = new Store()
const stream = new Stream(store)
store.listed.subscribe(() => labelTab(store))
render(<App store={store} stream={stream} />, document.body)
stream.connect()
