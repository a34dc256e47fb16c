import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { MonitorEvent } from '../../monitor/report.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { startTimer } from '../../base/timer.ts'
import type { Feed, Update } from './feed.ts'

type Chunk = Uint8Array<ArrayBuffer>

/** How long a reader may take for what is left when its stream is closed. */
export const GRACE = 1_000

/** Whose streams they are. */
export interface StreamOwner {
  /** Has the update of this second made, if there is none yet. */
  advance(): void
  /** Told once. */
  ended(stream: EventStream): void
}

/**
 * One reader's events. A stream looks for what is new by a timer of its own, although there is nothing in it that the
 * others do not have: in workerd nothing that belongs to one request may drive another.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** When its timer last ran, or it began, by `performance.now()`. */
  seenAt: number = performance.now()

  readonly #feed: Feed
  readonly #owner: StreamOwner
  readonly #ended = new AbortController()
  /** How many bytes may wait for the reader. */
  readonly #capacity: number
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #update: Update
  #waiting: Chunk[] = []
  #forgotten = false
  #stopTimer = (): void => {}
  #stopFlush = (): void => {}

  /** `maxBacklog`: how many bytes may wait for the reader, beside the beginning. */
  constructor(
    monitor: CircuitBreakerMonitor,
    feed: Feed,
    options: { readonly control: boolean; readonly maxBacklog: number },
    owner: StreamOwner,
  ) {
    this.#feed = feed
    this.#owner = owner
    // Before the snapshot, so that nothing can fall between the two.
    const events = monitor.events({ signal: this.#ended.signal })
    const { chunks, update } = feed.begin(options.control)
    this.#update = update
    const size = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.#capacity = options.maxBacklog + size
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
          for (const chunk of chunks) controller.enqueue(chunk)
        },
        cancel: () => void this.#end(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: this.#capacity }),
    )
    void this.#relay(events)
    this.#wait()
  }

  /** Ends it after what is on its way, for which the reader has a second. */
  close(): void {
    this.#flush()
    if (!this.#end()) return
    const controller = this.#controller
    const isBehind = (controller.desiredSize ?? 0) < this.#capacity
    controller.close()
    if (isBehind) startTimer(GRACE, () => controller.error(new Error('The reader is too slow')), false)
  }

  /** Breaks it off; what is on its way is lost. */
  drop(why: string): void {
    if (this.#end()) this.#controller.error(new Error(why))
  }

  /** Leaves it as it is: it cannot be touched any more. Should it come to life again, it ends itself. */
  forget(): void {
    this.#forgotten = true
  }

  /** Returns whether it had not ended yet. */
  #end(): boolean {
    if (this.#ended.signal.aborted) return false
    this.#ended.abort()
    this.#stopTimer()
    this.#stopFlush()
    this.#owner.ended(this)
    return true
  }

  #fail(error: unknown): void {
    warn(`A stream of a dashboard failed: ${renderError(error)}`)
    this.drop('The monitor failed')
  }

  #wait(): void {
    this.#stopTimer = startTimer(this.#feed.wait, () => this.#tick(), false)
  }

  #tick(): void {
    if (this.#forgotten) return this.drop('Out of time')
    this.seenAt = performance.now()
    try {
      this.#owner.advance()
    } catch (error) {
      return this.#fail(error)
    }
    while (this.#update.next) {
      this.#update = this.#update.next
      this.#send(this.#update.chunk)
    }
    if (!this.#ended.signal.aborted) this.#wait()
  }

  async #relay(events: AsyncIterable<MonitorEvent>): Promise<void> {
    try {
      for await (const event of events) {
        if (event.type === 'transition') this.#post(this.#feed.transition(event.transition))
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Many breakers may trip at once: what happens together goes together. */
  #post(chunk: Chunk): void {
    if (this.#waiting.push(chunk) > 1) return
    this.#stopFlush = startTimer(0, () => this.#flush(), false)
  }

  #flush(): void {
    const chunks = this.#waiting
    this.#waiting = []
    if (chunks.length > 0) this.#send(chunks.length === 1 ? chunks[0]! : join(chunks))
  }

  #send(chunk: Chunk): void {
    if (this.#ended.signal.aborted) return
    if ((this.#controller.desiredSize ?? 0) > 0) this.#controller.enqueue(chunk)
    else this.drop('The reader is too slow')
  }
}

function join(chunks: readonly Chunk[]): Chunk {
  const joined = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const chunk of chunks) {
    joined.set(chunk, at)
    at += chunk.byteLength
  }
  return joined
}
