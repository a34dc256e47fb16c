import type { Store } from './member-messages.ts'

/** Where the store of a fleet is, for what can happen to it there. */
export interface Stage {
  readonly store: Store
  end(): Promise<void>
}

/** One way for a store to be of no use. */
export interface Fault<On extends Stage> {
  /** Completes the sentence "a store that …". */
  readonly what: string
  /** Whether every process loses the store until the fault ends; else they may not even notice. */
  readonly loses: boolean
  /** Whether it still answers what only reads, so that an isolated fleet, which writes nothing, does not notice it. */
  readonly readable?: true
  /** Before the fleet opens. */
  readonly prepare?: (stage: On) => Promise<void>
  /** Resolves to what ends it. */
  readonly happen: (stage: On) => Promise<() => Promise<void> | void>
  /** Puts in order, for the next fault, what has to stay broken for as long as the fleet is looked at. */
  readonly tidy?: (stage: On) => Promise<void>
}
