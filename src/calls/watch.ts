import type { ErrorSink } from '../base/error-sink.ts'
import { startTimer } from '../base/timer.ts'

/** What `watch` of a supervised call looks at, and how often. */
export interface WatchOptions {
  /** Milliseconds between two looks, or half of `probeTimeout` if that is shorter. */
  readonly every: number
  /** Whether a reader waits for more of the answer, so that it is the dependency that takes its time. */
  readonly isRead: () => boolean
  /** Settles the call by what is known of it so far. How long it took does not count any more. */
  readonly release: () => void
}

/** What a watch needs of its call. */
interface WatchedCall {
  readonly settled: boolean
  readonly isProbe: boolean
  pace(): void
  ignore(): void
}

/** Waits for the end of an answer as long as that makes sense, and then releases the call. */
export class Watch {
  readonly #call: WatchedCall
  readonly #options: WatchOptions
  readonly #errors: ErrorSink
  #stop: (() => void) | undefined
  /** Whether there was a sign of life since the last look. */
  alive = false
  /** Whether there was one by which a probe keeps its place. */
  renewed = false

  constructor(call: WatchedCall, options: WatchOptions, errors: ErrorSink) {
    this.#call = call
    this.#options = options
    this.#errors = errors
    this.#wait()
  }

  stop(): void {
    this.#stop?.()
  }

  /** Looks now, and begins the wait for the next look anew. */
  check(): void {
    const { settled, isProbe } = this.#call
    if (settled) return
    const isReading = this.#options.isRead()
    // An endless answer would keep all others out while it is a probe.
    const goesOn = isProbe ? isReading && !this.alive : isReading || this.alive
    if (goesOn || this.renewed) return this.#wait()
    this.#call.pace()
    this.#options.release()
  }

  /** Nobody hears what is thrown here, and nobody looks again: the call is given up. */
  #checkOnTimer(): void {
    try {
      this.check()
    } catch (error) {
      this.#errors.report(error)
      this.#call.ignore()
    }
  }

  #wait(): void {
    this.stop()
    this.alive = false
    this.renewed = false
    this.#stop = startTimer(this.#options.every, () => this.#checkOnTimer(), false)
  }
}
