import type { Fault } from './service.ts'
import type { Tally } from './shop.ts'

/** What the panel shows: `GET ./state`. */
export interface PanelState {
  /** Calls per second. */
  readonly rate: number
  readonly dependencies: readonly {
    readonly name: string
    readonly about: string
    readonly fault: Fault
    readonly tally: Tally
  }[]
}

/** What the panel changes: `POST ./set`, answered by a {@link PanelState}. */
export interface PanelChange {
  /** Calls per second, at most {@link MAX_RATE}. */
  readonly rate?: number
  /** Of one dependency, or of all where `dependency` is left out. */
  readonly fault?: Fault
  readonly dependency?: string
}

export const MAX_RATE = 300
