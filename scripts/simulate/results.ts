import { median } from '../../bench/median.ts'
import type { Measured, StoreLoad } from './measures.ts'
import { POLICIES, type Group, type Policy, type Scenario } from './scenario.ts'

/** One simulation of a fleet. */
export interface Job {
  readonly scenario: Scenario
  readonly policy: Policy
  readonly seed: number
}

export interface Result {
  readonly scenario: Scenario
  readonly of: Readonly<Record<Policy, Measured>>
}

export interface GroupResult {
  readonly group: Group
  readonly results: readonly Result[]
}

/** Returns the simulations of a scenario: this many runs under each policy, with consecutive seeds from `seed` on. */
export function jobsFor(scenario: Scenario, seed: number, runs: number): Job[] {
  return POLICIES.flatMap((policy) =>
    Array.from({ length: runs }, (_, run) => ({ scenario, policy, seed: seed + run })),
  )
}

/** Returns the medians over the runs of a scenario. The curve over time is that of the first run. */
export function toResult(scenario: Scenario, runs: readonly (readonly [Job, Measured])[]): Result {
  const of = (wanted: Policy): Measured =>
    medians(runs.filter(([{ policy }]) => policy === wanted).map(([, measured]) => measured))
  return { scenario, of: { local: of('local'), 'first-trip': of('first-trip'), pooled: of('pooled') } }
}

function medians(runs: readonly Measured[]): Measured {
  const of = (read: (measured: Measured) => number): number => median(runs.map(read))
  const load = (read: (store: StoreLoad) => number): number => of(({ store }) => read(store))
  // An event that never happens sorts last.
  const protectedAfter = of((run) => run.protectedAfter ?? Infinity)
  return {
    calls: of((run) => run.calls),
    failed: of((run) => run.failed),
    probes: of((run) => run.probes),
    failedProbes: of((run) => run.failedProbes),
    protectedAfter: protectedAfter === Infinity ? null : protectedAfter,
    recoveredAfter: of((run) => run.recoveredAfter),
    lost: of((run) => run.lost),
    falseTrips: of((run) => run.falseTrips),
    store: {
      calm: load(({ calm }) => calm),
      outage: load(({ outage }) => outage),
      peak: load(({ peak }) => peak),
      idle: load(({ idle }) => idle),
      longestReply: load(({ longestReply }) => longestReply),
    },
    open: runs[0]!.open,
  }
}
