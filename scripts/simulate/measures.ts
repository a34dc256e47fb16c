import { END, IDLE_BEGINS, OUTAGE_BEGINS, OUTAGE_ENDS } from './scenario.ts'

const SECOND = 1_000
/** The share of the processes that counts as the fleet. */
const NEARLY_ALL = 0.99
const FEW = 0.01

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
  /** Calls that reached it as probes, whatever came of them. */
  readonly probes: number
  /** Milliseconds from the begin of the outage until 99 % of the processes reject; `null`: never. */
  readonly protectedAfter: number | null
  /** The largest share of the processes that rejected during the outage. */
  readonly mostRejecting: number
  /** Milliseconds from the end of the outage until 99 % of the processes admit for good; `null`: they never do. */
  readonly recoveredAfter: number | null
  /** Calls that were rejected and would have succeeded. */
  readonly lost: number
  /** How often a process opened of whose own calls none failed. */
  readonly falseTrips: number
  readonly store: StoreLoad
  /** The share of the processes that reject, at each second from the begin. */
  readonly rejecting: readonly number[]
}

/** Counts while a fleet is at it. Times are in virtual milliseconds. */
export class Measures {
  calls = 0
  failed = 0
  probes = 0
  lost = 0
  falseTrips = 0
  readonly #size: number
  readonly #operations = Array.from({ length: END / SECOND }, () => 0)
  readonly #rejecting: number[] = []
  #notClosed = 0
  #protectedAt: number | undefined
  #recoveredAt = OUTAGE_ENDS
  #mostRejecting = 0

  constructor(size: number) {
    this.#size = size
  }

  operation(now: number): void {
    const second = Math.floor(now / SECOND)
    if (second < this.#operations.length) this.#operations[second]!++
  }

  /** A breaker is no longer closed, or is again. */
  moved(now: number, closed: boolean): void {
    const before = this.#share
    this.#notClosed += closed ? -1 : 1
    const share = this.#share
    if (now >= OUTAGE_ENDS) {
      if (before > FEW && share <= FEW) this.#recoveredAt = now
    } else {
      this.#mostRejecting = Math.max(this.#mostRejecting, share)
      if (share >= NEARLY_ALL) this.#protectedAt ??= now
    }
  }

  get #share(): number {
    return this.#notClosed / this.#size
  }

  /** To be called at each second. */
  sample(): void {
    this.#rejecting.push(this.#share)
  }

  result(longestReply: number): Measured {
    const { calls, failed, probes, lost, falseTrips } = this
    const recovered = this.#share <= FEW
    return {
      calls,
      failed,
      probes,
      protectedAfter: this.#protectedAt === undefined ? null : this.#protectedAt - OUTAGE_BEGINS,
      mostRejecting: this.#mostRejecting,
      recoveredAfter: recovered ? this.#recoveredAt - OUTAGE_ENDS : null,
      lost,
      falseTrips,
      store: {
        calm: this.#mean(OUTAGE_BEGINS / 2, OUTAGE_BEGINS),
        outage: this.#mean(OUTAGE_BEGINS, OUTAGE_ENDS),
        peak: Math.max(...this.#operations),
        idle: this.#mean(IDLE_BEGINS, END),
        longestReply,
      },
      rejecting: this.#rejecting,
    }
  }

  #mean(from: number, to: number): number {
    const seconds = this.#operations.slice(from / SECOND, to / SECOND)
    return seconds.reduce((sum, each) => sum + each, 0) / seconds.length
  }
}
