import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { DashboardEvents } from '../../../../src/dashboard/protocol.ts'
import { nextTick } from '../../../helpers/next-tick.ts'

/** An event of a dashboard's stream. */
export type StreamEvent = {
  [Name in keyof DashboardEvents]: { readonly event: Name; readonly data: DashboardEvents[Name] }
}[keyof DashboardEvents]

/** Reads the events of a response by somebody else's parser. */
export class EventReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  readonly #parser = createParser({
    onEvent: (message) => this.#events.push(message),
    onRetry: (interval) => (this.retry = interval),
    onError: (error) => {
      throw error
    },
  })
  #events: EventSourceMessage[] = []
  #reading: Promise<void> | undefined
  /** How long the server wants an EventSource to wait before it comes back. */
  retry: number | undefined
  /** How the stream has ended, if it has. */
  end: 'closed' | 'broken' | undefined

  constructor(response: Response) {
    if (!response.body) throw new Error('No body')
    this.#reader = response.body.getReader()
  }

  /** The next event; `undefined` at the end. */
  async next(): Promise<StreamEvent | undefined> {
    while (this.#events.length === 0 && this.end === undefined) await this.#read()
    return this.#take()
  }

  /** The next event of this name; those before it are skipped. */
  async find<Name extends keyof DashboardEvents>(name: Name): Promise<DashboardEvents[Name]> {
    for (;;) {
      const next = await this.next()
      if (next === undefined) throw new Error(`The stream ended before an event \`${name}\``)
      if (next.event === name) return next.data as DashboardEvents[Name]
    }
  }

  /** All events that are there without waiting. */
  async here(): Promise<StreamEvent[]> {
    for (let idle = 0; idle < 3; idle++) {
      const count = this.#events.length
      if (this.end === undefined) void this.#read()
      await nextTick()
      if (this.#events.length > count) idle = -1
    }
    const events: StreamEvent[] = []
    while (this.#events.length > 0) events.push(this.#take()!)
    return events
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel()
  }

  #take(): StreamEvent | undefined {
    const message = this.#events.shift()
    return message && ({ event: message.event, data: JSON.parse(message.data) } as StreamEvent)
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    try {
      const { done, value } = await this.#reader.read()
      if (done) this.end = 'closed'
      else this.#parser.feed(this.#decoder.decode(value, { stream: true }))
    } catch {
      this.end = 'broken'
    }
  }
}
