import { createParser, type EventSourceMessage } from 'eventsource-parser'
import type { DashboardEvents } from '../../../../src/dashboard/protocol.ts'
import { nextTick } from '../../../helpers/next-tick.ts'

/** An event of a dashboard's stream. */
export type StreamEvent = {
  [Name in keyof DashboardEvents]: { readonly event: Name; readonly data: DashboardEvents[Name] }
}[keyof DashboardEvents]

/** Reads the events of a response with a third-party parser. */
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
  /** Milliseconds that the server wants an EventSource to wait before it reconnects. */
  retry: number | undefined
  /** How the stream has ended; `undefined` while it is open. */
  end: 'closed' | 'broken' | undefined

  constructor(response: Response) {
    if (!response.body) throw new Error('No body')
    this.#reader = response.body.getReader()
  }

  /** Returns the next event, or `undefined` at the end. */
  async next(): Promise<StreamEvent | undefined> {
    while (this.#events.length === 0 && this.end === undefined) await this.#read()
    return this.#take()
  }

  /** Returns the next event of this name, and skips those before it. */
  async find<Name extends keyof DashboardEvents>(name: Name): Promise<DashboardEvents[Name]> {
    for (;;) {
      const next = await this.next()
      if (next === undefined) throw new Error(`The stream ended before an event \`${name}\``)
      if (next.event === name) return next.data as DashboardEvents[Name]
    }
  }

  /** Returns all events that are available without waiting. */
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
