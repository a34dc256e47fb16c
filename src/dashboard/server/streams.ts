import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { answer, refusal, type HeaderFields } from './answers.ts'
import { Feed } from './feed.ts'
import { EventStream, type StreamOwner } from './stream.ts'

/** A stream's timer runs every second. If it has not run for this many milliseconds, its request has been aborted. */
const LOST = 10_000

export const STREAM_FIELDS: HeaderFields = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Neither compression nor a proxy may buffer events.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** The open streams, at most `maxStreams`. While there are none, nothing runs. */
export class Streams implements StreamOwner {
  readonly #monitor: CircuitBreakerMonitor
  readonly #maxStreams: number
  readonly #maxBacklog: number
  readonly #feed: Feed
  readonly #open = new Set<EventStream>()
  #advancedAt = -Infinity
  #closed = false

  constructor(monitor: CircuitBreakerMonitor, maxStreams: number, maxBacklog: number) {
    this.#monitor = monitor
    this.#maxStreams = maxStreams
    this.#maxBacklog = maxBacklog
    this.#feed = new Feed(monitor)
  }

  open(control: boolean): Response {
    if (this.#closed) return refusal(503, 'The dashboard is closed', { 'retry-after': '5' })
    if (this.#open.size > 0) this.advance()
    if (this.#open.size >= this.#maxStreams) {
      return refusal(503, `There are ${this.#maxStreams} streams already`, { 'retry-after': '5' })
    }
    const options = { control, maxBacklog: this.#maxBacklog }
    const stream = new EventStream(this.#monitor, this.#feed, options, this)
    this.#open.add(stream)
    return answer(200, stream.body, STREAM_FIELDS)
  }

  close(): void {
    this.#closed = true
    for (const stream of this.#open) stream.close()
  }

  /**
   * Ensures that the update of the current second has been made. Then removes lost streams, because in workerd an
   * aborted request just stops, without any notice. A stream is lost if its timer had not run for `LOST` when the
   * previous update was made. The current time would not do: after a pause of the process, all timers are overdue.
   */
  advance(): void {
    const previous = this.#advancedAt
    if (!this.#feed.advance()) return
    this.#advancedAt = performance.now()
    for (const stream of this.#open) {
      if (stream.seenAt >= previous - LOST) continue
      // In workerd, objects that belong to another request must not be touched.
      stream.forget()
      this.ended(stream)
    }
  }

  ended(stream: EventStream): void {
    this.#open.delete(stream)
    if (this.#open.size === 0) this.#feed.rest()
  }
}
