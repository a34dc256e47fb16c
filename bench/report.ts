import type { Figures, Surroundings } from './figures.ts'
import { importMethod } from './imports.ts'
import { versions } from './libraries.ts'
import { method, type Rounds } from './measure.ts'
import { median } from './median.ts'
import { overheads, ratiosOf, type Ratios } from './ratios.ts'
import { keysOf, recordOf } from './record.ts'
import { subjects } from './subjects.ts'
import { targetsOf, type Target } from './targets.ts'

export interface Report {
  readonly versions: typeof versions
  readonly method: string
  readonly figures: Figures
  readonly ratios: Ratios
  /** The same from the median rounds, to show how much the choice of the round matters. */
  readonly medianRatios: Ratios
  readonly targets: readonly Target[]
}

export function report(rounds: Rounds, surroundings: Surroundings): Report {
  const nanoseconds = recordOf(keysOf(subjects), (name) => Math.min(...rounds[name]))
  const medianRound = recordOf(keysOf(subjects), (name) => median(rounds[name]))
  const figures = { nanoseconds, medianRound, overhead: overheads(nanoseconds), ...surroundings }
  const ratios = ratiosOf(nanoseconds)
  const medianRatios = ratiosOf(medianRound)
  const targets = targetsOf(figures, ratios, medianRatios)
  return { versions, method: `${method}\n\n${importMethod}`, figures, ratios, medianRatios, targets }
}
