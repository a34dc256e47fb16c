// Comparisons with the least that a guard can do, measured in the same run, and with the peers.
import type { Nanoseconds } from './figures.ts'
import { keysOf, recordOf } from './record.ts'
import { subjects } from './subjects.ts'
import type { SubjectName } from './subjects.ts'

interface Ratio {
  /** The greatest acceptable value; left out where the ratio is for information. */
  readonly limit?: number
  readonly of: (cost: Cost) => number
}

/** Nanoseconds that a guarded call adds to the bare one; for other subjects, the total. */
type Cost = Readonly<Record<SubjectName, number>>

export const ratios = {
  'overhead of call / of then(f, g)': { limit: 1.25, of: (cost) => cost.call / cost.floor },
  'overhead of wrap / of then(f, g)': { limit: 1.25, of: (cost) => cost.wrap / cost.floor },
  'overhead with a time window / of then(f, g) and one clock reading': {
    limit: 1.2,
    of: (cost) => cost.timeWindow / (cost.floor + cost.clock),
  },
  'overhead with a count window / of then(f, g)': { limit: 1.5, of: (cost) => cost.countWindow / cost.floor },
  'overhead of a failing call / cockatiel': { limit: 1, of: (cost) => cost.failure / cost.cockatielFailure },
  'overhead of call / opossum with defaults': { limit: 0.08, of: (cost) => cost.call / cost.opossumDefaults },
  'overhead of wrap / opossum with defaults': { limit: 0.08, of: (cost) => cost.wrap / cost.opossumDefaults },
  'a rejection while open / cockatiel': {
    limit: 0.25,
    of: (cost) => cost.rejection / cost.cockatielRejection,
  },
  'a rejection while open / opossum': { limit: 0.25, of: (cost) => cost.rejection / cost.opossumRejection },
  'overhead of a watched call / twice that of call and two clock readings': {
    limit: 1,
    of: (cost) => cost.watched / (2 * cost.call + 2 * cost.clock),
  },
  'overhead of a call with a storage / without': { limit: 1.2, of: (cost) => cost.shared / cost.call },
  'overhead of call / cockatiel ConsecutiveBreaker': { of: (cost) => cost.call / cost.cockatielConsecutive },
  'overhead of wrap / cockatiel ConsecutiveBreaker': { of: (cost) => cost.wrap / cost.cockatielConsecutive },
  'overhead with a time window / cockatiel SamplingBreaker': {
    of: (cost) => cost.timeWindow / cost.cockatielSampling,
  },
  'overhead with a count window / cockatiel CountBreaker': {
    of: (cost) => cost.countWindow / cost.cockatielCount,
  },
  'overhead of a failing call / that of then(f, g) and a throw': {
    of: (cost) => cost.failure / cost.failureFloor,
  },
} satisfies Record<string, Ratio>

export type RatioName = keyof typeof ratios
export type Ratios = Readonly<Record<RatioName, number>>

/** The bare call that each guarded call is compared with. */
const bareOf: Partial<Record<SubjectName, SubjectName>> = {
  floor: 'bare',
  call: 'bare',
  wrap: 'bare',
  watched: 'bare',
  shared: 'bare',
  cockatielConsecutive: 'bare',
  opossumDefaults: 'bare',
  opossumNoTimeout: 'bare',
  timeWindow: 'bare',
  cockatielSampling: 'bare',
  countWindow: 'bare',
  cockatielCount: 'bare',
  failureFloor: 'bareFailure',
  failure: 'bareFailure',
  cockatielFailure: 'bareFailure',
  opossumFailure: 'bareFailure',
  callSync: 'bareSync',
}

export function ratiosOf(nanoseconds: Nanoseconds): Ratios {
  const cost = { ...nanoseconds, ...overheads(nanoseconds) }
  return recordOf(keysOf(ratios), (title) => ratios[title].of(cost))
}

export function overheads(of: Nanoseconds): Readonly<Partial<Nanoseconds>> {
  const overhead: Partial<Record<SubjectName, number>> = {}
  for (const name of keysOf(subjects)) {
    const bare = bareOf[name]
    if (bare) overhead[name] = of[name] - of[bare]
  }
  return overhead
}
