import { createParser, type EventSourceParser } from 'eventsource-parser'

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `'message'` where the server gave none. */
  readonly event: string
  readonly data: string
}

/**
 * Reads the bytes of a `text/event-stream`, however they were cut into chunks. It keeps no `id`: a dashboard begins every
 * stream with all that there is.
 */
export class EventStreamParser {
  // The parser removes the byte order mark. If the decoder did, too, a second one would be lost.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #parser: EventSourceParser
  #events: ServerSentEvent[] = []
  #retry: number | undefined

  /** `limit`: how many characters of an event may wait for its end; more throw a `RangeError`. */
  constructor(limit: number = 64 * 1024 * 1024) {
    this.#parser = createParser({
      maxBufferSize: limit,
      onEvent: ({ event = 'message', data }) => this.#events.push({ event, data }),
      onRetry: (ms) => (this.#retry = ms),
      onError: ({ type }) => {
        // All other errors are fields that the standard says to skip.
        if (type !== 'max-buffer-size-exceeded') return
        throw new RangeError(`An event is longer than ${limit} characters`)
      },
    })
  }

  /** How long to wait before the next connection, in milliseconds, if the server has said so. */
  get retry(): number | undefined {
    return this.#retry
  }

  /** Returns the events that this chunk completes. */
  push(chunk: Uint8Array): ServerSentEvent[] {
    this.#events = []
    this.#parser.feed(this.#decoder.decode(chunk, { stream: true }))
    return this.#events
  }
}
