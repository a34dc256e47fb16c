import type { SnapshotEvent, TransitionEvent, UpdateEvent } from '../protocol.ts'
import type { Store } from './store.ts'
import { Topic } from './topic.ts'

/** A stream sends an event every second. After this many milliseconds without one, it is considered lost. */
const SILENCE = 8_000

const FIRST_RETRY = 500
const LAST_RETRY = 8_000

export type Link = 'connecting' | 'live' | 'lost'

/** Passes the events of the server to the store. Reconnects when the stream ends, is refused or falls silent. */
export class Stream {
  readonly #store: Store
  #source: EventSource | undefined
  #retry = FIRST_RETRY
  #watchdog: number | undefined
  link: Link = 'connecting'
  /** When the last event arrived, by this page's wall clock. */
  receivedAt: number = Date.now()
  readonly changed: Topic = new Topic()

  constructor(store: Store) {
    this.#store = store
    // A page in the back/forward cache keeps only a dead stream: close it, and reconnect when the page returns.
    addEventListener('pagehide', () => this.#source?.close())
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.connect()
    })
  }

  connect(): void {
    this.#source?.close()
    const source = new EventSource('./events')
    this.#source = source
    const on = <Data>(name: string, apply: (data: Data) => void): void =>
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        if (source !== this.#source) return
        this.#received()
        apply(JSON.parse(data) as Data)
      })
    on<SnapshotEvent>('snapshot', (data) => {
      this.#retry = FIRST_RETRY
      this.#store.snapshot(data)
      this.#become('live')
    })
    on<UpdateEvent>('update', (data) => this.#store.update(data))
    on<TransitionEvent>('transition', (data) => this.#store.transition(data))
    source.addEventListener('error', () => source === this.#source && this.#lose())
    this.#watch()
  }

  #received(): void {
    this.receivedAt = Date.now()
    this.#watch()
  }

  #watch(): void {
    clearTimeout(this.#watchdog)
    this.#watchdog = setTimeout(() => this.#lose(), SILENCE)
  }

  // An EventSource that was refused never reconnects, and when it does in other cases depends on the browser.
  #lose(): void {
    this.#source?.close()
    this.#source = undefined
    clearTimeout(this.#watchdog)
    this.#become('lost')
    // Jitter: pages that lost the same server should not all reconnect at once.
    setTimeout(() => this.connect(), this.#retry * (0.5 + Math.random() / 2))
    this.#retry = Math.min(this.#retry * 2, LAST_RETRY)
  }

  #become(link: Link): void {
    if (link === this.link) return
    this.link = link
    this.changed.publish()
  }
}
