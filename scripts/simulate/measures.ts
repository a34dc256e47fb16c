import { END, IDLE_BEGINS, OUTAGE_BEGINS, OUTAGE_ENDS } from './scenario.ts'

const SECOND = 1_000
/** The share of the processes that counts as the fleet. */
const NEARLY_ALL = 0.99

/** Store operations per second, all processes together. */
export interface StoreLoad {
  readonly calm: number
  readonly outage: number
  /** In the busiest second of all. */
  readonly peak: number
  readonly idle: number
  /** Milliseconds. */
  readonly longestReply: number
}

/** What came of one scenario under one policy. */
export interface Measured {
  /** Calls during the outage, whatever became of them. */
  readonly calls: number
  /** Calls during the outage that reached the dependency and failed, probes included. */
  readonly failed: number
  /** Calls that reached it as probes, from the outage to the recovery, whatever came of them. */
  readonly probes: number
  /** Those of them that failed. */
  readonly failedProbes: number
  /** Milliseconds from the begin of the outage until 99 % of the processes are not closed; `null`: never. */
  readonly protectedAfter: number | null
  /** Milliseconds from the end of the outage until the last call is rejected; 0: none is. */
  readonly recoveredAfter: number
  /** Calls that were rejected and would have succeeded. */
  readonly lost: number
  /** How often a process opened whose own calls fail less often than the rules allow. */
  readonly falseTrips: number
  readonly store: StoreLoad
  /** The share of the processes that are open, at each second from the begin. */
  readonly open: readonly number[]
}

/** Counts while a fleet is at it. Times are in virtual milliseconds. */
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
  #rejectedAt = OUTAGE_ENDS

  constructor(size: number) {
    this.#size = size
  }

  operation(now: number): void {
    const second = Math.floor(now / SECOND)
    if (second < this.#operations.length) this.#operations[second]!++
  }

  /** A breaker is no longer closed, or is again. */
  moved(now: number, closed: boolean): void {
    this.#notClosed += closed ? -1 : 1
    const outage = now >= OUTAGE_BEGINS && now < OUTAGE_ENDS
    if (outage && this.#notClosed >= NEARLY_ALL * this.#size) this.#protectedAt ??= now
  }

  /** A call was rejected. */
  rejected(now: number): void {
    this.#rejectedAt = Math.max(this.#rejectedAt, now)
  }

  /** To be called at each second: how many are open. */
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
      recoveredAfter: this.#rejectedAt - OUTAGE_ENDS,
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
