import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { MonitorEvent } from '../../monitor/report.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { startTimer } from '../../base/timer.ts'
import type { Feed, Update } from './feed.ts'

type Chunk = Uint8Array<ArrayBuffer>

/** Milliseconds that a reader has to read the remaining data when its stream is closed. */
export const GRACE = 1_000

/** The owner of a set of streams. */
export interface StreamOwner {
  /** Ensures that the update of the current second has been made. */
  advance(): void
  /** Called once when a stream ends. */
  ended(stream: EventStream): void
}

/**
 * The event stream of one reader. Each stream polls for updates with its own timer, although all streams send the same
 * ones: in workerd, an object that belongs to one request must not drive another request.
 */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** When the timer last ran, or else when the stream began, by `performance.now()`. */
  seenAt: number = performance.now()

  readonly #feed: Feed
  readonly #owner: StreamOwner
  readonly #ended = new AbortController()
  /** How many bytes may wait for the reader, including the first event. */
  readonly #capacity: number
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #update: Update
  #pending: Chunk[] = []
  #isLost = false
  #stopTimer = (): void => {}
  #stopFlush = (): void => {}

  /** `maxBacklog` is how many bytes may wait for the reader in addition to the first event. */
  constructor(
    monitor: CircuitBreakerMonitor,
    feed: Feed,
    options: { readonly control: boolean; readonly maxBacklog: number },
    owner: StreamOwner,
  ) {
    this.#feed = feed
    this.#owner = owner
    // Subscribes before taking the snapshot, so that no transition is missed in between.
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

  /** Ends the stream after the queued data. The reader has a second to read it. */
  close(): void {
    this.#flush()
    if (!this.#end()) return
    const controller = this.#controller
    const isBehind = (controller.desiredSize ?? 0) < this.#capacity
    controller.close()
    if (isBehind) startTimer(GRACE, () => controller.error(new Error('The reader is too slow')), false)
  }

  /** Aborts the stream; queued data is lost. */
  drop(reason: string): void {
    if (this.#end()) this.#controller.error(new Error(reason))
  }

  /** Marks the stream as lost without touching its resources. If its timer runs again, the stream ends itself. */
  forget(): void {
    this.#isLost = true
  }

  /** Ends the stream on this side. Returns false if it had ended already. */
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
    if (this.#isLost) return this.drop('Out of time')
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

  /** Sends a chunk soon. Many breakers may trip at once, so chunks of the same tick are sent together. */
  #post(chunk: Chunk): void {
    if (this.#pending.push(chunk) > 1) return
    this.#stopFlush = startTimer(0, () => this.#flush(), false)
  }

  #flush(): void {
    const chunks = this.#pending
    this.#pending = []
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
  let offset = 0
  for (const chunk of chunks) {
    joined.set(chunk, offset)
    offset += chunk.byteLength
  }
  return joined
}
