/** The minimal interface to every library, so that each scenario is written once. */
export interface Library {
  readonly name: LibraryName
  /** A breaker with the library's default settings. */
  defaults(): Guard
  /** The library's own breaker, idle, without our wrapper. */
  idle(): object
  guard(settings: Settings): Guard
  /** Two breakers made from the same options object, caching results where the library can. */
  pair(settings: Settings): [Guard, Guard]
  /** A breaker that admits one call at a time and rejects the next for lack of capacity. */
  oneAtATime(settings: Settings): Promise<Guard>
}

export const libraryNames = ['recloser', 'opossum', 'cockatiel'] as const
export type LibraryName = (typeof libraryNames)[number]
export type State = 'closed' | 'open' | 'half-open'

/** The function that runs behind the breaker. The signal is the one that the library creates for this call. */
export type Task = (signal: AbortSignal | undefined) => unknown

export interface Guard {
  state(): State
  call(task: Task, signal?: AbortSignal): Promise<unknown>
  /** When the next call may be admitted, as wall-clock time. */
  reopenTime(): Date | undefined
  dispose(): void
}

export interface Settings {
  /** Open after this many consecutive failures. A library without such a rule gets its closest equivalent. */
  readonly failures?: number
  /** Open when this share of the calls in the window failed. */
  readonly rate?: { readonly threshold: number; readonly minCalls: number; readonly window: number }
  readonly openFor?: number
  readonly callTimeout?: number
  readonly ignore?: (error: unknown) => boolean
  readonly listen?: {
    success?(): void
    failure?(): void
    stateChange?(to: State): void
  }
}

/** Thrown when the library cannot express the scenario; the message says what is missing. */
export class NotApplicable extends Error {}

/** Milliseconds that a circuit stays open unless the scenario sets another duration. */
export const OPEN_FOR = 1_000
