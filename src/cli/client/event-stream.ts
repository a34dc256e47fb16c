import { createParser, type EventSourceParser } from 'eventsource-parser'

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** The name of the event; `'message'` if the server sent none. */
  readonly event: string
  readonly data: string
}

/**
 * Parses the bytes of a `text/event-stream`, however they are chunked. It ignores each `id`, because a dashboard starts
 * every stream with a complete snapshot.
 */
export class EventStreamParser {
  // The parser removes the byte order mark. If the decoder removed it as well, a second mark would be lost.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #parser: EventSourceParser
  #events: ServerSentEvent[] = []
  #retry: number | undefined

  /** `limit`: the maximum length of an incomplete event, in characters. Beyond it, `push` throws a `RangeError`. */
  constructor(limit: number = 64 * 1024 * 1024) {
    this.#parser = createParser({
      maxBufferSize: limit,
      onEvent: ({ event = 'message', data }) => this.#events.push({ event, data }),
      onRetry: (ms) => (this.#retry = ms),
      onError: ({ type }) => {
        // All other errors are about fields that the standard says to ignore.
        if (type !== 'max-buffer-size-exceeded') return
        throw new RangeError(`An event is longer than ${limit} characters`)
      },
    })
  }

  /** Milliseconds to wait before the next connection, if the server has sent them. */
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
