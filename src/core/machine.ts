import { onMicrotask } from '../base/microtask.ts'
import type { CircuitBreakerState } from '../base/state.ts'
import type { Generation } from './generation/generation.ts'
import type { CircuitOptions } from './options.ts'
import type { Whole } from './request.ts'

// While half-open, `retryAfter` is a delay and not a bound: probes usually end long before their leases do.
const LONGEST_DELAY = 1_000

/** A state and its properties. */
export interface Entry {
  readonly next: Generation
  /** Why the circuit opened; kept until it closes. */
  readonly tripReason?: string | null
  /** Describes the error that opened the circuit. */
  readonly cause?: Error | undefined
  /** The escalation: how often the circuit has opened without recovering in between. */
  readonly attempt?: number
  /** When the state was entered, in milliseconds of the wall clock; left out for the initial state. */
  readonly at?: number | undefined
  /** When the circuit recovered, in the breaker's time: `attemptDecay` counts from then. */
  readonly recoveredAt?: number | undefined
  /** The same by the wall clock, for a restored snapshot. */
  readonly restoredAt?: number
}

/** A change of state. */
export interface Transition extends Entry {
  /** Why the state changes, for events. */
  readonly reason: string
  readonly attempt: number
  readonly at: number
}

/**
 * The state of a circuit and its properties. Nothing else writes them.
 *
 * The escalation counts how often the circuit has opened without recovering in between.
 */
export abstract class Machine {
  #entry!: Entry
  #waiting: Set<() => void> | undefined

  abstract readonly options: CircuitOptions

  /** Returns the time, after expiring the leases that end by then. */
  abstract read(): number

  /** Returns the probe that the running code is part of. */
  abstract probe(): Whole | undefined

  get generation(): Generation {
    return this.#entry.next
  }

  /** Why the circuit opened; `null` while it is closed. */
  get tripReason(): string | null {
    return this.#entry.tripReason ?? null
  }

  /** Describes the error that opened the circuit. */
  get cause(): Error | undefined {
    return this.#entry.cause
  }

  /** When the state was entered, by the wall clock; `null` if the state has never changed. */
  get since(): number | null {
    return this.#entry.at ?? null
  }

  /** The escalation when the state was entered. */
  get escalation(): number {
    return this.#entry.attempt ?? 0
  }

  // Reads. They change nothing, except that they notice expired leases.

  /** Returns the time if the answer to a read depends on it. For a closed circuit none does. */
  readIfNeeded(): number | undefined {
    return this.generation.state === 'closed' ? undefined : this.read()
  }

  /** The state in which the next call would find the circuit. */
  state(now: number | undefined = this.readIfNeeded()): CircuitBreakerState {
    const generation = this.generation
    const { state } = generation
    return state === 'open' && now !== undefined && generation.remaining(now) <= 0 ? 'half-open' : state
  }

  /** Milliseconds, rounded up, until a call may be admitted. */
  retryAfter(now: number | undefined = this.readIfNeeded(), wallNow?: number): number {
    const generation = this.generation
    if (generation.state === 'closed' || now === undefined) return 0
    if (generation.state !== 'half-open') return Math.max(0, Math.ceil(generation.remaining(now, wallNow)))
    return generation.free || this.probe()
      ? 0
      : Math.max(0, Math.min(LONGEST_DELAY, Math.ceil(generation.firstDeadline - now)))
  }

  /** The current escalation. While closed, it decreases by one per `attemptDecay`. */
  attempt(now: number): number {
    const { attemptDecay: decay } = this.options
    const { escalation: attempt } = this
    if (attempt === 0 || this.generation.state !== 'closed') return attempt
    let { recoveredAt } = this.#entry
    if (recoveredAt === undefined) {
      recoveredAt = now - Math.max(0, Date.now() - (this.#entry.restoredAt ?? 0))
      this.#entry = { ...this.#entry, recoveredAt }
    }
    return decay > 0 ? Math.max(0, attempt - Math.floor((now - recoveredAt) / decay)) : 0
  }

  // Writes

  /** Enters a state, also the initial one. */
  protected enter(entry: Entry): void {
    this.#entry = entry
    this.wake()
  }

  /** Replaces the trip reason: an operator may give a new one. */
  setReason(tripReason: string | null = this.tripReason): void {
    this.#entry = { ...this.#entry, tripReason }
  }

  /** Resets the escalation and the trip reason. */
  forget(): void {
    const { next, at } = this.#entry
    this.#entry = { next, at }
  }

  /** Sets the end of the current opening to `length` after `now`. */
  setEnd(length: number, now: number): void {
    const generation = this.generation
    if (generation.state !== 'open') return
    generation.start(length, Date.now(), now)
    this.wake()
  }

  /** Calls `wake` whenever a call may be admitted that was rejected before. Returns a function that stops it. */
  onWake(wake: () => void): () => void {
    const waiting = (this.#waiting ??= new Set())
    waiting.add(wake)
    return () => waiting.delete(wake)
  }

  /** Wakes those that wait until a call may be admitted, after the current operation. */
  wake(): void {
    if (this.#waiting) for (const wake of this.#waiting) onMicrotask(wake)
  }
}
