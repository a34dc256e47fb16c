import type { Store } from './member-messages.ts'

/** A store of a fleet, and the environment in which faults happen to it. */
export interface Stage {
  readonly store: Store
  end(): Promise<void>
}

/** One way in which a store becomes useless. */
export interface Fault<On extends Stage> {
  /** Completes the sentence "a store that …". */
  readonly what: string
  /** Whether every process loses the store until the fault ends; otherwise processes may not even notice. */
  readonly loses: boolean
  /** Whether it still answers reads, so that an isolated fleet, which writes nothing, does not notice the fault. */
  readonly readable?: true
  /** Runs before the fleet opens. */
  readonly prepare?: (stage: On) => Promise<void>
  /** Starts the fault. Resolves to a function that ends it. */
  readonly happen: (stage: On) => Promise<() => Promise<void> | void>
  /** Repairs, before the next fault, what has to stay broken while the fleet is observed. */
  readonly tidy?: (stage: On) => Promise<void>
}
