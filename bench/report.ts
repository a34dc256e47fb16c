import type { FleetFigures } from './fleet/index.ts'
import type { Requests } from './http.ts'
import { idleBreakers } from './idle.ts'
import type { IdleName } from './idle.ts'
import { versions } from './libraries.ts'
import { median, method } from './measure.ts'
import type { Rounds } from './measure.ts'
import type { Operation } from './operate.ts'
import { keysOf, recordOf } from './record.ts'
import { subjects } from './subjects.ts'
import type { SubjectName } from './subjects.ts'

export interface Figures {
  /** Nanoseconds per call, the bare call's included: the best round. */
  readonly nanoseconds: Readonly<Record<SubjectName, number>>
  readonly medianRound: Readonly<Record<SubjectName, number>>
  /** Nanoseconds that the breaker adds to the bare call. */
  readonly overhead: Readonly<Partial<Record<SubjectName, number>>>
  readonly idleBytes: Readonly<Record<IdleName, number>>
  readonly idleTimers: Readonly<Record<IdleName, number>>
  readonly operation: Operation
  readonly requests: Requests
  readonly fleet: FleetFigures
}

export interface Target {
  readonly title: string
  readonly measured: number
  readonly medianRound?: number
  readonly limit: number
  readonly met: boolean
}

export interface Report {
  readonly versions: typeof versions
  readonly method: string
  readonly figures: Figures
  readonly ratios: Ratios
  /** The same from the median rounds: how much the choice of the round matters. */
  readonly medianRatios: Ratios
  readonly targets: readonly Target[]
}

type Nanoseconds = Figures['nanoseconds']
type Ratios = Readonly<Record<keyof typeof ratioLimits, number>>

/** What recloser may cost, as a part of what its peer costs. */
const ratioLimits = {
  'overhead of call / cockatiel ConsecutiveBreaker': 0.15,
  'overhead of call / opossum with defaults': 0.08,
  'overhead of wrap / cockatiel ConsecutiveBreaker': 0.15,
  'overhead of wrap / opossum with defaults': 0.08,
  'overhead with a time window / cockatiel SamplingBreaker': 0.4,
  'overhead with a count window / cockatiel CountBreaker': 0.25,
  'a rejection while open / cockatiel': 0.25,
  'a rejection while open / opossum': 0.25,
  'overhead of a watched call / twice that of call and two clock readings': 1,
  'overhead of a call with a storage / without': 1.3,
}

/** What a guarded call is compared with. */
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

export function report(
  rounds: Rounds,
  bytes: Figures['idleBytes'],
  timers: Figures['idleTimers'],
  operation: Operation,
  requests: Requests,
  fleet: FleetFigures,
): Report {
  const nanoseconds = recordOf(keysOf(subjects), (name) => Math.min(...rounds[name]))
  const medianRound = recordOf(keysOf(subjects), (name) => median(rounds[name]))
  const overhead = overheads(nanoseconds)
  const ratios = compared(nanoseconds)
  const medianRatios = compared(medianRound)
  const targets: Target[] = [
    ...keysOf(ratioLimits).map((title) => ({
      title,
      measured: ratios[title],
      medianRound: medianRatios[title],
      limit: ratioLimits[title],
      met: ratios[title] <= ratioLimits[title],
    })),
    {
      title: 'bytes of an idle breaker',
      measured: bytes.recloser,
      limit: 1_000,
      met: bytes.recloser <= 1_000,
    },
    { title: 'timers of an idle breaker', measured: timers.recloser, limit: 0, met: timers.recloser === 0 },
    {
      title: 'milliseconds for a snapshot of 1,000 watched breakers',
      measured: operation.snapshot,
      limit: 20,
      met: operation.snapshot <= 20,
    },
    {
      title: 'part of one core that streaming 1,000 breakers once a second takes',
      measured: operation.stream,
      limit: 0.05,
      met: operation.stream <= 0.05,
    },
    ...fleetTargets(fleet),
  ]
  const figures = {
    nanoseconds,
    medianRound,
    overhead,
    idleBytes: bytes,
    idleTimers: timers,
    operation,
    requests,
    fleet,
  }
  return { versions, method, figures, ratios, medianRatios, targets }
}

function fleetTargets({ load, spread }: FleetFigures): Target[] {
  const { slow, fast, idle } = load.operations
  const most = Math.max(slow.perSecond, fast.perSecond) / Math.min(slow.perSecond, fast.perSecond)
  const limits: readonly (readonly [title: string, measured: number, limit: number])[] = [
    [
      `store operations at ${fast.calls.toFixed(0)} calls/s / at ${slow.calls.toFixed(0)}, or the reverse`,
      most,
      1.2,
    ],
    ['store operations per second of 100 idle breakers', idle, 0],
    ['p99 of the milliseconds until 16 processes know of an opening', spread.reach.p99, 100],
    ['probes of 200 racing members, of which 3 may', spread.probes, 3],
    ['microseconds of server time per exchange', load.script, 25],
    ['milliseconds to flush 1,000 breakers', load.flush, 50],
  ]
  return limits.map(([title, measured, limit]) => ({ title, measured, limit, met: measured <= limit }))
}

function overheads(of: Nanoseconds): Figures['overhead'] {
  const overhead: Partial<Record<SubjectName, number>> = {}
  for (const name of keysOf(subjects)) {
    const bare = bareOf[name]
    if (bare) overhead[name] = of[name] - of[bare]
  }
  return overhead
}

function compared(nanoseconds: Nanoseconds): Ratios {
  const overhead = overheads(nanoseconds)
  const of = (name: SubjectName): number => overhead[name] ?? nanoseconds[name]
  const ratio = (ours: SubjectName, theirs: SubjectName): number => of(ours) / of(theirs)
  return {
    'overhead of call / cockatiel ConsecutiveBreaker': ratio('call', 'cockatielConsecutive'),
    'overhead of call / opossum with defaults': ratio('call', 'opossumDefaults'),
    'overhead of wrap / cockatiel ConsecutiveBreaker': ratio('wrap', 'cockatielConsecutive'),
    'overhead of wrap / opossum with defaults': ratio('wrap', 'opossumDefaults'),
    'overhead with a time window / cockatiel SamplingBreaker': ratio('timeWindow', 'cockatielSampling'),
    'overhead with a count window / cockatiel CountBreaker': ratio('countWindow', 'cockatielCount'),
    'a rejection while open / cockatiel': ratio('rejection', 'cockatielRejection'),
    'a rejection while open / opossum': ratio('rejection', 'opossumRejection'),
    'overhead of a watched call / twice that of call and two clock readings':
      of('watched') / (2 * of('call') + 2 * of('clock')),
    'overhead of a call with a storage / without': ratio('shared', 'call'),
  }
}

export function render({ figures, targets }: Report): string {
  const lines = [
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
    method,
    '',
  ]
  lines.push(row('', 'ns per call', 'median round', 'overhead'))
  for (const name of keysOf(subjects)) {
    const overhead = figures.overhead[name]
    lines.push(
      row(
        subjects[name].title,
        figures.nanoseconds[name].toFixed(1),
        figures.medianRound[name].toFixed(1),
        overhead === undefined ? '' : overhead.toFixed(1),
      ),
    )
  }
  lines.push('', row('an idle breaker', 'bytes', 'timers'))
  for (const name of keysOf(idleBreakers)) {
    lines.push(row(name, figures.idleBytes[name].toFixed(0), String(figures.idleTimers[name])))
  }
  const { microseconds, added } = figures.requests
  lines.push(
    '',
    row('a request over loopback', 'bare, µs', 'guarded, µs', 'added, µs'),
    row(
      'fetch',
      ...[microseconds.fetch, microseconds.guardedFetch, added.fetch].map((each) => each.toFixed(1)),
    ),
    row(
      'undici',
      ...[microseconds.undici, microseconds.guardedUndici, added.undici].map((each) => each.toFixed(1)),
    ),
  )
  const { load, spread } = figures.fleet
  const { slow, fast, idle } = load.operations
  lines.push(
    '',
    row('a fleet on Redis', 'calls/s', 'operations/s'),
    row('a breaker with little traffic', slow.calls.toFixed(0), slow.perSecond.toFixed(2)),
    row('a breaker with much traffic', fast.calls.toFixed(0), fast.perSecond.toFixed(2)),
    row('100 idle breakers', '0', idle.toFixed(2)),
    row(
      'an opening reaches 15 other processes: ms, median and p99',
      spread.reach.median.toFixed(1),
      spread.reach.p99.toFixed(1),
    ),
    row('an exchange: µs of server time', load.script.toFixed(1)),
    row('1,000 breakers flush: ms', load.flush.toFixed(1)),
    row("two commands per call, as aiobreaker's: µs added to each call", load.commandsPerCall.toFixed(1)),
  )
  lines.push('', row('target', 'measured', 'median round', 'at most'))
  for (const { title, measured, medianRound, limit, met } of targets) {
    const cells = [measured, medianRound, limit].map((value) => (value === undefined ? '' : plain(value)))
    lines.push(`${row(title, ...cells)}  ${met ? 'met' : 'MISSED'}`)
  }
  return lines.join('\n')
}

const plain = (value: number): string => value.toFixed(value < 10 && value > 0 ? 3 : 0)

function row(title: string, ...cells: string[]): string {
  return title.padEnd(72) + cells.map((cell) => cell.padStart(14)).join('')
}
