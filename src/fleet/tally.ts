import type { Generation } from '../core/generation/generation.ts'
import type { RingBatch } from '../storage/contract/commands.ts'
import type { Window } from '../trip/window/window.ts'
import type { PooledRings } from './pool.ts'

/** The counts that one exchange reports. */
export interface Batch {
  readonly successes: number
  readonly failures: number
  /** Failures after the last success (F4). */
  readonly tail: number
  readonly rings: readonly RingBatch[]
}

const NO_SLOW: number[] = []
const NOTHING = { successes: 0, failures: 0, tail: 0 }

/**
 * The completed calls that have not been reported to the fleet (F3, F4). Calls do not notify the tally, which keeps the
 * fast path cheap: it reads the totals that each generation keeps anyway, and takes the difference to its last reading.
 */
export class Tally {
  pool: PooledRings
  #generation: Generation | undefined
  // The totals of the generation at the last reading.
  #successes = 0
  #failures = 0
  #slow = 0
  #slowByWindow: Map<Window, number> | undefined
  // The counts that the next batch reports.
  #unsent = NOTHING
  #unsentSlow: number[] = NO_SLOW

  constructor(pool: PooledRings) {
    this.pool = pool
    this.drop()
  }

  /** Switches to the windows of another rule, and drops what has not been sent. */
  reset(pool: PooledRings, generation: Generation): void {
    this.read(generation)
    this.pool = pool
    this.drop()
  }

  /** Drops what has not been sent. */
  drop(): void {
    this.#unsent = NOTHING
    this.#unsentSlow = this.pool.rings.length > 0 ? this.pool.rings.map(() => 0) : NO_SLOW
  }

  /** The number of calls that have not been sent. */
  get calls(): number {
    return this.#unsent.successes + this.#unsent.failures
  }

  /** Adds what the generation has counted since the last reading. The record counts the probes of a fleet itself. */
  read(generation: Generation): void {
    if (generation !== this.#generation) this.#switchTo(generation)
    if (generation.scope === 'fleet') return
    if (generation.successes < this.#successes || generation.failures < this.#failures)
      this.#switchTo(generation)
    const successes = generation.successes - this.#successes
    const failures = generation.failures - this.#failures
    this.#readSlow(generation)
    const unsent = { ...this.#unsent }
    this.#unsent = unsent
    unsent.successes += successes
    unsent.failures += failures
    // Without a success, all new failures lengthen the tail.
    unsent.tail = successes > 0 ? Math.min(generation.consecutive, failures) : unsent.tail + failures
    this.#successes = generation.successes
    this.#failures = generation.failures
  }

  #switchTo(generation: Generation): void {
    this.#generation = generation
    this.#successes = this.#failures = this.#slow = 0
    this.#slowByWindow = undefined
  }

  #readSlow(generation: Generation): void {
    const { ringOf, rings } = this.pool
    if (rings.length === 0) return
    if (generation.state === 'closed') {
      const seen = new Set<number>()
      const known = (this.#slowByWindow ??= new Map())
      generation.windows.forEach((window, index) => {
        const slow = window.everSlow - (known.get(window) ?? 0)
        known.set(window, window.everSlow)
        const ring = ringOf[index] ?? -1
        if (ring >= 0 && !seen.has(ring)) this.#unsentSlow[ring]! += slow
        seen.add(ring)
      })
      return
    }
    const slow = generation.slow - this.#slow
    this.#slow = generation.slow
    rings.forEach(({ slowerThan }, index) => (this.#unsentSlow[index]! += slowerThan > 0 ? slow : 0))
  }

  /** Returns the batch to send and drops it: an exchange is never repeated (F25). */
  take(): Batch {
    const { successes, failures, tail } = this.#unsent
    const calls = successes + failures
    const rings = this.pool.rings.map((key, index) => {
      return { ...key, calls, failures, slow: Math.min(calls, this.#unsentSlow[index]!) }
    })
    this.drop()
    return { successes, failures, tail, rings }
  }

  /** A batch that reads the pool and adds nothing to it. */
  get nothing(): Batch {
    const rings = this.pool.rings.map((key) => ({ ...key, calls: 0, failures: 0, slow: 0 }))
    return { successes: 0, failures: 0, tail: 0, rings }
  }
}

/** Whether a batch has failures or slow calls, so that a trip rule may be met after it. */
export function isBad({ failures, rings }: Batch): boolean {
  return failures > 0 || rings.some(({ slow }) => slow > 0)
}

/** Whether a record that counts this batch is written: a run of failures grows, or a ring counts calls. */
export function isWrite({ failures, rings }: Batch): boolean {
  return failures > 0 || rings.some(({ calls }) => calls > 0)
}
