/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `'message'` where the server gave none. */
  readonly event: string
  readonly data: string
}

/**
 * Reads a `text/event-stream` however it was cut into chunks, as the HTML standard says (9.2.6, "Interpreting an event
 * stream"). It keeps no `id`: a dashboard begins every stream with all that there is.
 */
export class EventStreamParser {
  readonly #decoder = new TextDecoder()
  readonly #limit: number
  // The line that is not over yet, and how the text before it ended.
  #rest = ''
  #afterReturn = false
  #event = ''
  #data: string[] = []
  #size = 0
  #retry: number | undefined

  /** `limit`: the longest event in characters; a longer one throws a `RangeError`. */
  constructor(limit: number = 64 * 1024 * 1024) {
    this.#limit = limit
  }

  /** How long to wait before the next connection, in milliseconds, if the server has said so. */
  get retry(): number | undefined {
    return this.#retry
  }

  /** Returns the events that this chunk completes. */
  push(chunk: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(chunk, { stream: true })
    if (text === '') return []
    if (this.#afterReturn && text.startsWith('\n')) text = text.slice(1)
    this.#afterReturn = text.endsWith('\r')
    const events: ServerSentEvent[] = []
    const lines = text.split(/\r\n|\r|\n/)
    const last = lines.length - 1
    for (const [index, part] of lines.entries()) {
      this.#rest += part
      if (this.#size + this.#rest.length > this.#limit) {
        throw new RangeError(`An event is longer than ${this.#limit} characters`)
      }
      if (index === last) break
      this.#line(this.#rest, events)
      this.#rest = ''
    }
    return events
  }

  #line(line: string, events: ServerSentEvent[]): void {
    if (line === '') return this.#dispatch(events)
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') {
      this.#data.push(value)
      this.#size += value.length + 1
    } else if (field === 'event') this.#event = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) this.#retry = Number(value)
  }

  #dispatch(events: ServerSentEvent[]): void {
    if (this.#data.length > 0) events.push({ event: this.#event || 'message', data: this.#data.join('\n') })
    this.#event = ''
    this.#data = []
    this.#size = 0
  }
}
