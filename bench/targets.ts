import type { Figures } from './figures.ts'
import type { FleetFigures } from './fleet/index.ts'
import type { Imports } from './imports.ts'
import type { NewKeys } from './keys.ts'
import { ratios, type Ratios } from './ratios.ts'
import { keysOf } from './record.ts'

export interface Target {
  readonly title: string
  readonly measured: number
  readonly medianRound?: number
  readonly limit: number
  readonly met: boolean
}

/** A measured value and the greatest value that is acceptable. */
type Limit = readonly [title: string, measured: number, limit: number]

export function targetsOf(figures: Figures, measured: Ratios, medianRatios: Ratios): readonly Target[] {
  const { idleBytes, idleTimers, newKeys, operation, imports, fleet } = figures
  const others: readonly Limit[] = [
    ...importLimits(imports),
    ['bytes of an idle breaker', idleBytes.recloser, 1_000],
    ['timers of an idle breaker', idleTimers.recloser, 0],
    ...keyLimits(newKeys),
    ['milliseconds for a snapshot of 1,000 watched breakers', operation.snapshot, 20],
    ['part of one core that streaming 1,000 breakers once a second takes', operation.stream, 0.05],
    ...fleetLimits(fleet),
  ]
  return [
    ...ratioTargets(measured, medianRatios),
    ...others.map(([title, measured, limit]) => ({ title, measured, limit, met: measured <= limit })),
  ]
}

function ratioTargets(measured: Ratios, medianRatios: Ratios): Target[] {
  const targets: Target[] = []
  for (const title of keysOf(ratios)) {
    const ratio = ratios[title]
    if (!('limit' in ratio)) continue
    const { limit } = ratio
    const best = measured[title]
    targets.push({ title, measured: best, medianRound: medianRatios[title], limit, met: best <= limit })
  }
  return targets
}

function importLimits({ opossum, entryPoints }: Imports): Limit[] {
  return entryPoints.map(({ name, packages, added }) => {
    const subject = packages.length > 0 ? `what ${name} adds to its packages` : name
    return [`import of ${subject} / of opossum`, added / opossum, name === 'recloser' ? 1.3 : 3]
  })
}

function keyLimits(newKeys: readonly NewKeys[]): Limit[] {
  const [fewest, most] = [newKeys[0]!, newKeys.at(-1)!]
  const [less, more] = [fewest, most].map(({ seen }) => seen.toLocaleString('en'))
  return [[`a new key after ${more} dead ones / after ${less}`, most.microseconds / fewest.microseconds, 1.5]]
}

function fleetLimits({ load, spread }: FleetFigures): Limit[] {
  const { slow, fast, idle } = load.operations
  const worst = Math.max(slow.perSecond, fast.perSecond) / Math.min(slow.perSecond, fast.perSecond)
  return [
    [
      `store operations at ${fast.calls.toFixed(0)} calls/s / at ${slow.calls.toFixed(0)}, or the reverse`,
      worst,
      1.2,
    ],
    ['store operations per second of 100 idle breakers', idle, 0],
    ['p99 of the milliseconds until 16 processes know of an opening', spread.reach.p99, 100],
    ['probes of 200 racing members, of which 3 may', spread.probes, 3],
    ['microseconds of server time per exchange', load.script, 25],
    ['milliseconds to flush 1,000 breakers', load.flush, 50],
    ['bytes of a breaker with a storage', load.bytes, 2_500],
  ]
}
