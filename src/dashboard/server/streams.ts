import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import { answer, refusal, type HeaderFields } from './answers.ts'
import { Feed } from './feed.ts'
import { EventStream, type StreamOwner } from './stream.ts'

/** A stream's timer runs every second. If it has not for so long, it belongs to a request that is gone. */
const LOST = 10_000

export const STREAM_FIELDS: HeaderFields = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Neither compression nor a proxy may hold events back.
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** The streams that are open, no more than `maxStreams`. Nothing happens here while there are none. */
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
   * Has the update of this second made, if there is none yet. In workerd a request that breaks off just stops, and
   * nobody is told: whoever was lost when the update before was made loses the place. The one before, because after a
   * pause of the process all are late.
   */
  advance(): void {
    const before = this.#advancedAt
    if (!this.#feed.advance()) return
    this.#advancedAt = performance.now()
    for (const stream of this.#open) {
      if (stream.seenAt >= before - LOST) continue
      // Nothing that belongs to another request may be touched there.
      stream.forget()
      this.ended(stream)
    }
  }

  ended(stream: EventStream): void {
    this.#open.delete(stream)
    if (this.#open.size === 0) this.#feed.rest()
  }
}
