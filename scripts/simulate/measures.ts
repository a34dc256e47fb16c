import { END, IDLE_BEGINS, OUTAGE_BEGINS, OUTAGE_ENDS } from './scenario.ts'

const SECOND = 1_000
/** The share of the processes that counts as the whole fleet. */
const NEARLY_ALL = 0.99

/** Store operations per second, all processes together. */
export interface StoreLoad {
  readonly calm: number
  readonly outage: number
  /** In the busiest second. */
  readonly peak: number
  readonly idle: number
  /** Milliseconds. */
  readonly longestReply: number
}

/** The results of one scenario under one policy. */
export interface Measured {
  /** Calls during the outage, whatever their outcome. */
  readonly calls: number
  /** Calls during the outage that reached the dependency and failed, probes included. */
  readonly failed: number
  /** Probes that reached the dependency, from the outage until the recovery, whatever their outcome. */
  readonly probes: number
  /** Probes that failed. */
  readonly failedProbes: number
  /**
   * Milliseconds from the start of the outage until 99 % of the processes are not closed; `null` if that never happens.
   */
  readonly protectedAfter: number | null
  /** Milliseconds from the end of the outage until the last rejection; 0 if there is none. */
  readonly recoveredAfter: number
  /** Calls that were rejected and would have succeeded. */
  readonly lost: number
  /** The number of times that a process opened although its own calls fail less often than the rules allow. */
  readonly falseTrips: number
  readonly store: StoreLoad
  /** The share of the processes that are open, sampled each second from the start. */
  readonly open: readonly number[]
}

/** Collects the measurements while a fleet runs. Times are in virtual milliseconds. */
export class Measures {
  calls = 0
  failed = 0
  probes = 0
  failedProbes = 0
  lost = 0
  falseTrips = 0
  readonly #size: number
  readonly #operations = Array.from({ length: END / SECOND }, () => 0)
  readonly #open: number[] = []
  #notClosed = 0
  #protectedAt: number | undefined
  #lastRejectedAt = OUTAGE_ENDS

  constructor(size: number) {
    this.#size = size
  }

  operation(now: number): void {
    const second = Math.floor(now / SECOND)
    if (second < this.#operations.length) this.#operations[second]!++
  }

  /** Records that a breaker is no longer closed, or is closed again. */
  stateChanged(now: number, closed: boolean): void {
    this.#notClosed += closed ? -1 : 1
    const outage = now >= OUTAGE_BEGINS && now < OUTAGE_ENDS
    if (outage && this.#notClosed >= NEARLY_ALL * this.#size) this.#protectedAt ??= now
  }

  /** Records a rejected call. */
  rejected(now: number): void {
    this.#lastRejectedAt = Math.max(this.#lastRejectedAt, now)
  }

  /** Records how many processes are open; called once per second. */
  sample(open: number): void {
    this.#open.push(open / this.#size)
  }

  result(longestReply: number): Measured {
    const { calls, failed, probes, failedProbes, lost, falseTrips } = this
    return {
      calls,
      failed,
      probes,
      failedProbes,
      protectedAfter: this.#protectedAt === undefined ? null : this.#protectedAt - OUTAGE_BEGINS,
      recoveredAfter: this.#lastRejectedAt - OUTAGE_ENDS,
      lost,
      falseTrips,
      store: {
        calm: this.#mean(OUTAGE_BEGINS / 2, OUTAGE_BEGINS),
        outage: this.#mean(OUTAGE_BEGINS, OUTAGE_ENDS),
        peak: Math.max(...this.#operations),
        idle: this.#mean(IDLE_BEGINS, END),
        longestReply,
      },
      open: this.#open,
    }
  }

  #mean(from: number, to: number): number {
    const seconds = this.#operations.slice(from / SECOND, to / SECOND)
    return seconds.reduce((sum, each) => sum + each, 0) / seconds.length
  }
}
