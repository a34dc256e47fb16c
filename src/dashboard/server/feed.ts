import type { CircuitBreakerMonitor } from '../../monitor/index.ts'
import type { BreakerReport, Transition } from '../../monitor/report.ts'
import { HISTORY_BUCKETS, BUCKET_LENGTH } from '../../monitor/time-buckets.ts'
import { encode } from './answers.ts'
import type { DashboardEvents, SnapshotEvent, UpdateEvent } from '../protocol.ts'

/** How many transitions a stream begins with. */
const TRANSITIONS = 50
/** How long after its end a second is told of: timers may be early. */
const MARGIN = 5

type Chunk = Uint8Array<ArrayBuffer>

const NOTHING: Chunk = new Uint8Array(0)

/** An update, and the one after it as soon as there is one. Every stream holds the last one that it sent. */
export interface Update {
  readonly chunk: Chunk
  next: Update | undefined
}

/** What a stream begins with, and the update after which it does. */
export interface Beginning {
  readonly chunks: readonly Chunk[]
  readonly update: Update
}

/** The part of it that is the same for all, and the newest transition that it knows. */
interface SharedBeginning {
  readonly chunk: Chunk
  readonly last: Transition | undefined
}

/** The number of the second that is not over: the breakers' own, unless they have another clock. */
const currentSecond = (): number => Math.floor(performance.now() / BUCKET_LENGTH)

/**
 * What the streams say. A report is made and serialised once, however many streams there are; whichever stream is
 * the first to ask for a second's update has it made for all.
 */
export class Feed {
  readonly #monitor: CircuitBreakerMonitor
  #second = 0
  #update: Update = { chunk: NOTHING, next: undefined }
  /** What all streams know of each breaker; `undefined`: some know more than others. */
  #known: Map<string, BreakerReport | undefined> | undefined
  #beginning: SharedBeginning | undefined
  readonly #transitions = new WeakMap<Transition, Chunk>()

  constructor(monitor: CircuitBreakerMonitor) {
    this.#monitor = monitor
  }

  /** Milliseconds until the next update is due. */
  get wait(): number {
    return (currentSecond() + 1) * BUCKET_LENGTH + MARGIN - performance.now()
  }

  /** Forgets everything: there are no streams. */
  rest(): void {
    this.#known = undefined
    this.#beginning = undefined
    this.#update = { chunk: NOTHING, next: undefined }
  }

  begin(control: boolean): Beginning {
    const transitions = this.#monitor.transitions.slice(-TRANSITIONS)
    // Streams that begin within the same second share a snapshot, unless it shows a state that is past.
    if (!this.#beginning || this.#beginning.last !== transitions.at(-1))
      this.#beginning = this.#make(transitions)
    return { chunks: [beginning(control), this.#beginning.chunk], update: this.#update }
  }

  /** Makes the update of the second; returns false if that has happened already. */
  advance(): boolean {
    const second = currentSecond()
    const seconds = second - this.#second
    if (seconds <= 0) return false
    this.#second = second
    this.#beginning = undefined
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

  /** The event `transition`. */
  transition(transition: Transition): Chunk {
    let chunk = this.#transitions.get(transition)
    if (!chunk) this.#transitions.set(transition, (chunk = eventChunk('transition', transition)))
    return chunk
  }

  #make(transitions: readonly Transition[]): SharedBeginning {
    const snapshot = this.#monitor.snapshot()
    const first = this.#known === undefined
    if (first) this.#second = currentSecond()
    const known = (this.#known ??= new Map())
    for (const report of snapshot.breakers) {
      const short = shorten(report)
      if (first) known.set(report.id, short)
      else if (!isSame(short, known.get(report.id))) known.set(report.id, undefined)
    }
    const rest: Omit<SnapshotEvent, 'control'> = { snapshot, transitions }
    return { chunk: encode(`${JSON.stringify(rest).slice(1)}\n\n`), last: transitions.at(-1) }
  }
}

/** How the first event begins, up to what all readers share. */
const beginning = (control: boolean): Chunk =>
  encode(`retry: 1000\nevent: snapshot\ndata: {"control":${control},`)

function eventChunk<Name extends keyof DashboardEvents>(name: Name, data: DashboardEvents[Name]): Chunk {
  return encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)
}

/** As an update has it. */
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

/** Whether two reports say the same, but for the period that they are about. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [x, y] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in x) if (name !== 'span' && !isSame(x[name], y[name])) return false
  return !Array.isArray(a) || a.length === (b as unknown[]).length
}
