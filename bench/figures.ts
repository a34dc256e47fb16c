import type { FleetFigures } from './fleet/index.ts'
import type { Requests } from './http.ts'
import type { IdleName } from './idle.ts'
import type { Imports } from './imports.ts'
import type { NewKeys } from './keys.ts'
import type { Operation } from './operate.ts'
import type { SubjectName } from './subjects.ts'

/** What is measured in addition to the calls. */
export interface Surroundings {
  readonly idleBytes: Readonly<Record<IdleName, number>>
  readonly idleTimers: Readonly<Record<IdleName, number>>
  readonly newKeys: readonly NewKeys[]
  readonly operation: Operation
  readonly requests: Requests
  readonly imports: Imports
  readonly fleet: FleetFigures
}

export interface Figures extends Surroundings {
  /** Nanoseconds per call, including the bare call: the figure of the best round. */
  readonly nanoseconds: Nanoseconds
  /** The same, from the median round. */
  readonly medianRound: Nanoseconds
  /** Nanoseconds that the breaker adds to the bare call. */
  readonly overhead: Readonly<Partial<Nanoseconds>>
}

export type Nanoseconds = Readonly<Record<SubjectName, number>>
