import { simulate } from './fleet.ts'
import type { Measured, StoreLoad } from './measures.ts'
import { LARGEST, POLICIES, type Policy, type Scenario } from './scenario.ts'

/** A scenario is run with so many seeds, one after the other, and each figure is the median. */
export const RUNS = 3

export interface Result {
  readonly scenario: Scenario
  readonly of: Readonly<Record<Policy, Measured>>
}

export async function resultOf(
  scenario: Scenario,
  measureOne: (scenario: Scenario, policy: Policy) => Promise<Measured>,
): Promise<Result> {
  const all = await Promise.all(
    POLICIES.map(async (policy) => [policy, await measureOne(scenario, policy)] as const),
  )
  return { scenario, of: Object.fromEntries(all) as Record<Policy, Measured> }
}

/** The medians over the runs from this seed on. What is drawn over time is that of the first. */
export async function measure(scenario: Scenario, policy: Policy, seed: number): Promise<Measured> {
  const runs: Measured[] = []
  const count = scenario.size < LARGEST ? RUNS : 1
  for (let run = 0; run < count; run++) runs.push(await simulate(scenario, policy, seed + run))
  const of = (read: (measured: Measured) => number | null): number | null => median(runs.map(read))
  const load = (read: (store: StoreLoad) => number): number => of(({ store }) => read(store))!
  return {
    calls: of((run) => run.calls)!,
    failed: of((run) => run.failed)!,
    probes: of((run) => run.probes)!,
    protectedAfter: of((run) => run.protectedAfter),
    mostRejecting: of((run) => run.mostRejecting)!,
    recoveredAfter: of((run) => run.recoveredAfter),
    lost: of((run) => run.lost)!,
    falseTrips: of((run) => run.falseTrips)!,
    store: {
      calm: load(({ calm }) => calm),
      outage: load(({ outage }) => outage),
      peak: load(({ peak }) => peak),
      idle: load(({ idle }) => idle),
      longestReply: load(({ longestReply }) => longestReply),
    },
    rejecting: runs[0]!.rejecting,
  }
}

/** What never happens comes last. */
function median(values: readonly (number | null)[]): number | null {
  const sorted = values.toSorted((a, b) => (a ?? Infinity) - (b ?? Infinity))
  return sorted[Math.floor(sorted.length / 2)] ?? null
}
