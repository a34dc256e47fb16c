import { render } from 'preact'
import { App } from './app.tsx'
import { Store } from './store.ts'
import { Stream } from './stream.ts'
import { labelTab } from './tab.ts'
import { setTheme, storedTheme } from './theme.ts'

setTheme(storedTheme())
const store = new Store()
const stream = new Stream(store)
store.listed.subscribe(() => labelTab(store))
render(<App store={store} stream={stream} />, document.body)
stream.connect()
