import type { ClosedGeneration } from './closed.ts'
import type { HalfOpenGeneration } from './half-open.ts'
import type { LeasedGeneration } from './leased.ts'
import type { OpenGeneration } from './open.ts'

/** A generation that admits calls. */
export type Admitting = ClosedGeneration | HalfOpenGeneration | LeasedGeneration

/** One period in one state. A call belongs to the generation that admitted it. */
export type Generation = Admitting | OpenGeneration
