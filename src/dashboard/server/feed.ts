import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { BreakerReport, Transition } from '../../monitor/report.ts'
import { HISTORY_BUCKETS, BUCKET_LENGTH } from '../../monitor/time-buckets.ts'
import { encode } from './answers.ts'
import type { DashboardEvents, SnapshotEvent, UpdateEvent } from '../protocol.ts'

/** How many transitions the first event of a stream contains. */
const TRANSITIONS = 50
/** Milliseconds between the end of a second and its update, because timers may fire early. */
const MARGIN = 5

type Chunk = Uint8Array<ArrayBuffer>

const NOTHING: Chunk = new Uint8Array(0)

/** An update, linked to the next one once that is made. Each stream holds the last update that it sent. */
export interface Update {
  readonly chunk: Chunk
  next: Update | undefined
}

/** The first event of a stream, in chunks, and the update that preceded it. */
export interface FirstEvent {
  readonly chunks: readonly Chunk[]
  readonly update: Update
}

/** The part of the first event that all streams share, and the newest transition that it contains. */
interface SharedFirstEvent {
  readonly chunk: Chunk
  readonly last: Transition | undefined
}

/** Returns the number of the current second, which is also that of a breaker's time bucket under the default clock. */
const currentSecond = (): number => Math.floor(performance.now() / BUCKET_LENGTH)

/**
 * Produces the events of the streams. Each event is made and serialized once for all streams; the first stream that
 * needs the update of a second triggers it.
 */
export class Feed {
  readonly #monitor: CircuitBreakerMonitor
  #second = 0
  #update: Update = { chunk: NOTHING, next: undefined }
  /**
   * The last report on each breaker that all streams have. A report is `undefined` if streams have different ones, so
   * that the next update includes the breaker. The map is `undefined` while there are no streams.
   */
  #known: Map<string, BreakerReport | undefined> | undefined
  #shared: SharedFirstEvent | undefined
  readonly #transitions = new WeakMap<Transition, Chunk>()

  constructor(monitor: CircuitBreakerMonitor) {
    this.#monitor = monitor
  }

  /** Milliseconds until the next update is due. */
  get wait(): number {
    return (currentSecond() + 1) * BUCKET_LENGTH + MARGIN - performance.now()
  }

  /** Drops all state when the last stream has ended. */
  rest(): void {
    this.#known = undefined
    this.#shared = undefined
    this.#update = { chunk: NOTHING, next: undefined }
  }

  /** Returns the first event of a new stream. */
  begin(control: boolean): FirstEvent {
    const transitions = this.#monitor.transitions.slice(-TRANSITIONS)
    // Streams that begin within the same second share a snapshot, unless a transition has made it stale.
    if (!this.#shared || this.#shared.last !== transitions.at(-1))
      this.#shared = this.#makeShared(transitions)
    return { chunks: [firstChunk(control), this.#shared.chunk], update: this.#update }
  }

  /** Makes the update of the current second. Returns false if it has been made already. */
  advance(): boolean {
    const second = currentSecond()
    const seconds = second - this.#second
    if (seconds <= 0) return false
    this.#second = second
    this.#shared = undefined
    const history = Math.min(seconds + 1, HISTORY_BUCKETS)
    const { takenAt, health, breakers: reports } = this.#monitor.snapshot({ history })
    const known = this.#known
    this.#known = new Map(reports.map((report) => [report.id, report]))
    const removed = [...(known?.keys() ?? [])].filter((id) => !this.#known?.has(id))
    const breakers = reports.filter((report) => !isSame(report, known?.get(report.id)))
    const update: UpdateEvent = { takenAt, health, seconds, removed, breakers }
    this.#update = this.#update.next = { chunk: eventChunk('update', update), next: undefined }
    return true
  }

  /** Returns the `transition` event for a transition. */
  transition(transition: Transition): Chunk {
    let chunk = this.#transitions.get(transition)
    if (!chunk) this.#transitions.set(transition, (chunk = eventChunk('transition', transition)))
    return chunk
  }

  #makeShared(transitions: readonly Transition[]): SharedFirstEvent {
    const snapshot = this.#monitor.snapshot()
    const isFirst = this.#known === undefined
    if (isFirst) this.#second = currentSecond()
    const known = (this.#known ??= new Map())
    for (const report of snapshot.breakers) {
      const shortened = shorten(report)
      if (isFirst) known.set(report.id, shortened)
      else if (!isSame(shortened, known.get(report.id))) known.set(report.id, undefined)
    }
    const rest: Omit<SnapshotEvent, 'control'> = { snapshot, transitions }
    return { chunk: encode(`${JSON.stringify(rest).slice(1)}\n\n`), last: transitions.at(-1) }
  }
}

/** Returns the start of the first event, up to the part that all streams share. */
const firstChunk = (control: boolean): Chunk =>
  encode(`retry: 1000\nevent: snapshot\ndata: {"control":${control},`)

function eventChunk<Name extends keyof DashboardEvents>(name: Name, data: DashboardEvents[Name]): Chunk {
  return encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** Returns the report as an update contains it, with a history of two seconds. */
function shorten(report: BreakerReport): BreakerReport {
  const { success, failure, rejected, p90 } = report.history
  const history = {
    success: success.slice(-2),
    failure: failure.slice(-2),
    rejected: rejected.slice(-2),
    p90: p90.slice(-2),
  }
  return { ...report, history }
}

/** Returns whether two reports are equal, ignoring `span`. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in x) if (name !== 'span' && !isSame(x[name], y[name])) return false
  return !Array.isArray(a) || a.length === (b as unknown[]).length
}
