import type { CircuitBreakerState } from '../base/state.ts'
import type { Generation } from './generation/generation.ts'
import type { CircuitOptions } from './options.ts'

/** A state, and what goes with it. */
export interface Entry {
  readonly next: Generation
  /** Why the circuit opened, which it keeps until it closes. */
  readonly tripReason?: string | null
  /** The failure that opened it. */
  readonly cause?: unknown
  /** How far the escalation has come. */
  readonly attempt?: number
  /** When it was entered, in milliseconds of the wall clock; left out where the circuit begins with it. */
  readonly at?: number | undefined
  /** When the circuit recovered: from then on the escalation is forgotten step by step. */
  readonly recoveredAt?: number | undefined
  /** The same by the wall clock, if that was in another process. */
  readonly restoredAt?: number
}

/** A change of state. */
export interface Transition extends Entry {
  /** Why, for those who hear of it. */
  readonly reason: string
  readonly attempt: number
  readonly at: number
}

/**
 * The state of a circuit, and all that goes with it. None of it is written anywhere else.
 *
 * The escalation counts how often the circuit has opened without a recovery in between.
 */
export abstract class Machine {
  #entry!: Entry
  #generation!: Generation
  #waiting: Set<() => void> | undefined

  abstract readonly options: CircuitOptions

  /** The time. A probe whose lease has ended by then has failed. */
  abstract read(): number

  get generation(): Generation {
    return this.#generation
  }

  /** Why the circuit opened; `null` while it is closed. */
  get tripReason(): string | null {
    return this.#entry.tripReason ?? null
  }

  /** The failure that opened it. */
  get cause(): unknown {
    return this.#entry.cause
  }

  /** When the state began, by the wall clock; `null` if it has never changed. */
  get since(): number | null {
    return this.#entry.at ?? null
  }

  /** How far the escalation had come when the state began. */
  get escalation(): number {
    return this.#entry.attempt ?? 0
  }

  // Reads: they change nothing, but for a lease that has ended.

  /** The time where an answer depends on it: of a closed circuit none does. */
  readIfNeeded(): number | undefined {
    return this.#generation.state === 'closed' ? undefined : this.read()
  }

  /** What the next call would meet. */
  state(now: number | undefined = this.readIfNeeded()): CircuitBreakerState {
    const generation = this.#generation
    const { state } = generation
    return state === 'open' && now !== undefined && generation.remaining(now) <= 0 ? 'half-open' : state
  }

  /** Whole milliseconds until a call may be admitted. */
  retryAfter(now: number | undefined = this.readIfNeeded(), wallNow?: number): number {
    const generation = this.#generation
    if (generation.state === 'closed' || now === undefined) return 0
    if (generation.state !== 'half-open') return Math.max(0, Math.ceil(generation.remaining(now, wallNow)))
    return generation.free ? 0 : Math.max(0, Math.ceil(generation.firstDeadline - now))
  }

  /**
   * How far the escalation has come; while closed, what of it is not forgotten yet: one attempt in `attemptDecay` is.
   */
  attempt(now: number): number {
    const { attemptDecay: decay } = this.options
    const { escalation: attempt } = this
    if (attempt === 0 || this.#generation.state !== 'closed') return attempt
    let { recoveredAt } = this.#entry
    if (recoveredAt === undefined) {
      recoveredAt = now - Math.max(0, Date.now() - (this.#entry.restoredAt ?? 0))
      this.#entry = { ...this.#entry, recoveredAt }
    }
    return decay > 0 ? Math.max(0, attempt - Math.floor((now - recoveredAt) / decay)) : 0
  }

  // Writes

  /** Enters a state, be it the first. */
  protected enter(entry: Entry): void {
    this.#entry = entry
    this.#generation = entry.next
    this.wake()
  }

  /** An operator may say anew why the circuit is open. */
  setReason(tripReason: string | null = this.tripReason): void {
    this.#entry = { ...this.#entry, tripReason }
  }

  /** Forgets the escalation, and why the circuit was open. */
  forget(): void {
    const { next, at } = this.#entry
    this.#entry = { next, at }
  }

  /** Sets the end of an opening anew: `length` after `now`. */
  setEnd(length: number, now: number): void {
    const generation = this.#generation
    if (generation.state === 'open') generation.start(length, Date.now(), now)
  }

  /** Calls `look` whenever a call might be admitted that was not before. Returns what ends that. */
  onWake(wake: () => void): () => void {
    const waiting = (this.#waiting ??= new Set())
    waiting.add(wake)
    return () => waiting.delete(wake)
  }

  /** Lets those who wait for a place look again, once this operation is over. */
  wake(): void {
    if (this.#waiting) for (const look of this.#waiting) queueMicrotask(look)
  }
}
