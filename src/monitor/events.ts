import type { MonitorEvent } from './report.ts'
import { Ring } from './ring.ts'

type Result = IteratorResult<MonitorEvent, undefined>

/**
 * Delivers the events of a monitor to any number of consumers. All of them share one list, and a consumer is only a
 * position in it: one that is abandoned leaks nothing, whether it was ever read or not.
 */
export class EventLog {
  readonly #events = new Ring<MonitorEvent>(0)
  readonly #waiting = new Set<() => void>()

  push(event: MonitorEvent): void {
    this.#events.push(event)
    for (const deliver of this.#waiting) deliver()
  }

  /** Returns the events from now on. A consumer that falls more than `limit` events behind loses the oldest. */
  read(limit: number, signal: AbortSignal | undefined): AsyncIterableIterator<MonitorEvent> {
    this.#events.widen(limit)
    return new EventStream(this.#events, this.#waiting, limit, signal)
  }
}

class EventStream implements AsyncIterableIterator<MonitorEvent> {
  readonly #events: Ring<MonitorEvent>
  readonly #waiting: Set<() => void>
  readonly #limit: number
  readonly #signal: AbortSignal | undefined
  /** The number of the next event to deliver. */
  #next: number
  #ended = false
  #pending: ((result: Result) => void)[] = []

  constructor(
    events: Ring<MonitorEvent>,
    waiting: Set<() => void>,
    limit: number,
    signal: AbortSignal | undefined,
  ) {
    this.#events = events
    this.#waiting = waiting
    this.#limit = limit
    this.#signal = signal
    this.#next = events.end
  }

  next(): Promise<Result> {
    if (this.#signal?.aborted) this.#end()
    const result = this.#take()
    if (result) return Promise.resolve(result)
    // The monitor and the signal refer to a stream only while its consumer waits, so an abandoned stream is collected.
    this.#waiting.add(this.#deliver)
    this.#signal?.addEventListener('abort', this.#end)
    return new Promise((resolve) => this.#pending.push(resolve))
  }

  return(): Promise<Result> {
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #take(): Result | undefined {
    if (this.#ended) return { done: true, value: undefined }
    const lost = this.#events.end - this.#limit - this.#next
    if (lost > 0) {
      this.#next += lost
      return { done: false, value: { type: 'dropped', count: lost } }
    }
    const value = this.#events.at(this.#next)
    if (value === undefined) return undefined
    this.#next++
    return { done: false, value }
  }

  readonly #deliver = (): void => {
    while (this.#pending.length > 0) {
      const result = this.#take()
      if (!result) return
      this.#pending.shift()!(result)
    }
    this.#waiting.delete(this.#deliver)
    this.#signal?.removeEventListener('abort', this.#end)
  }

  readonly #end = (): void => {
    this.#ended = true
    this.#deliver()
  }
}
