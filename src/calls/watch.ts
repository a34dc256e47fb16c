import type { MonotonicTime } from '../base/clock.ts'
import type { ErrorSink } from '../base/error-sink.ts'

/** The options of `SupervisedCall.watch`. */
export interface WatchOptions {
  /** Milliseconds between two checks. Half of the breaker's `probeTimeout` is used if that is shorter. */
  readonly every: number
  /** Whether a reader is waiting for more of the answer, so that the dependency causes the delay. */
  readonly isRead: () => boolean
  /** Settles the call by what is known so far. Its duration no longer counts. */
  readonly release: () => void
}

/** What a watch needs of its call. */
interface WatchedCall {
  readonly settled: boolean
  readonly isProbe: boolean
  pace(): void
  ignore(): void
}

/** Checks periodically whether to keep waiting for the end of an answer, and releases the call if not. */
export class Watch {
  readonly #call: WatchedCall
  readonly #options: WatchOptions
  readonly #errors: ErrorSink
  readonly #time: MonotonicTime
  #stop: (() => void) | undefined
  /** Whether there was a sign of life since the last check. */
  alive = false
  /** Whether there was one that renewed the lease of a probe. */
  renewed = false

  constructor(call: WatchedCall, options: WatchOptions, errors: ErrorSink, time: MonotonicTime) {
    this.#call = call
    this.#options = options
    this.#errors = errors
    this.#time = time
    this.#wait()
  }

  stop(): void {
    this.#stop?.()
  }

  /** Checks now, and restarts the wait for the next check. */
  check(): void {
    const { settled, isProbe } = this.#call
    if (settled) return
    const isReading = this.#options.isRead()
    // A probe must not keep all others out by an endless answer.
    const goesOn = isProbe ? isReading && !this.alive : isReading || this.alive
    if (goesOn || this.renewed) return this.#wait()
    this.#call.pace()
    this.#options.release()
  }

  /** Checks on a timer. If that throws, there is no caller and no further check, so the call is settled as ignored. */
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
    this.#stop = this.#time.startTimer(this.#options.every, () => this.#checkOnTimer(), false)
  }
}
