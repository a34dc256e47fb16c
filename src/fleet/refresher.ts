import type { SharedCircuit } from './options.ts'
import type { Replica } from './replica.ts'

/** The age in milliseconds at which an ephemeral breaker refreshes its replica before a call (F28). */
const STALE_AFTER = 5_000

/** Refreshes the replica of an ephemeral breaker, which runs no timers, before a call (F28). */
export class Refresher {
  readonly #circuit: SharedCircuit
  readonly #replica: Replica
  readonly #exchange: () => Promise<void>
  #refreshing: Promise<void> | undefined

  constructor(circuit: SharedCircuit, replica: Replica, exchange: () => Promise<void>) {
    this.#circuit = circuit
    this.#replica = replica
    this.#exchange = exchange
  }

  /** Whether counts of this age, in milliseconds, suggest that the process has been frozen since. */
  static isFrozen(age: number): boolean {
    return age > 2 * STALE_AFTER
  }

  /** Whether the replica is too old to rely on, and the store may be asked. */
  get isDue(): boolean {
    const { unusable, mayRefresh, age, link } = this.#replica
    if (this.#circuit.options.mode === 'off' || !link.mayRetry) return false
    return age >= STALE_AFTER && (unusable === undefined || mayRefresh)
  }

  /** Exchanges. All calls meanwhile share the exchange. An unavailable store is no error. */
  refresh(): Promise<void> {
    return (this.#refreshing ??= this.#exchange().finally(() => (this.#refreshing = undefined)))
  }
}
