/** The tiny interface that every library is driven through, so that a scenario is written once. */
export interface Library {
  readonly name: LibraryName
  /** A breaker as the library makes it when nothing is configured. */
  defaults(): Guard
  /** The library's own breaker, idle, with nothing of ours around it. */
  idle(): object
  guard(settings: Settings): Guard
  /** Two breakers made from one and the same options object, caching results where the library can. */
  pair(settings: Settings): [Guard, Guard]
  /** A breaker that has a place for one call at a time: the next caller is refused for want of a place. */
  onePlace(settings: Settings): Promise<Guard>
}

export const libraryNames = ['recloser', 'opossum', 'cockatiel'] as const
export type LibraryName = (typeof libraryNames)[number]
export type State = 'closed' | 'open' | 'half-open'

/** What runs behind the breaker; the signal is the one that the library hands out for this call. */
export type Task = (signal: AbortSignal | undefined) => unknown

export interface Guard {
  state(): State
  call(task: Task, signal?: AbortSignal): Promise<unknown>
  /** When a call may be admitted again, as wall-clock time. */
  reopenTime(): Date | undefined
  dispose(): void
}

export interface Settings {
  /** Open after this many failures, all in a row. A library without such a rule gets the nearest one it has. */
  readonly failures?: number
  /** Open when this part of the calls in the window failed. */
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

/** The library has nothing to express the scenario with; the message says what is missing. */
export class NotApplicable extends Error {}

/** How long a circuit stays open in a scenario that does not say. */
export const OPEN_FOR = 1_000
