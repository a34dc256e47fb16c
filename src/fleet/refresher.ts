import type { SharedCircuit } from './options.ts'
import { withLimits } from '../storage/contract/with-limits.ts'
import type { Replica } from './replica.ts'

/** In a process that is frozen between requests, what was heard so long ago is looked at again (F28). */
const STALE_AFTER = 5_000

/** How a breaker without timers keeps up with its fleet: it asks before a call, when it is time to (F28). */
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

  /** Whether counts of so many ms were gathered before the process was frozen. */
  static isFrozen(age: number): boolean {
    return age > 2 * STALE_AFTER
  }

  /** Whether what is known is too old to go by, and there is somebody to ask. */
  get isDue(): boolean {
    const { refused, mayRefresh, age, link } = this.#replica
    if (this.#circuit.options.mode === 'off' || !link.mayRetry) return false
    return age >= STALE_AFTER && (refused === undefined || mayRefresh)
  }

  /** Hears of the fleet, one exchange for all that wait; a store that cannot be asked in time is no error of a call. */
  async refresh(deadline: number, signal: AbortSignal | undefined): Promise<void> {
    const refresh = (): Promise<void> =>
      (this.#refreshing ??= this.#exchange().finally(() => (this.#refreshing = undefined)))
    try {
      await withLimits('exchange', refresh, { deadline, signal })
    } catch {
      signal?.throwIfAborted()
    }
  }
}
