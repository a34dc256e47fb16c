import type { Figures } from './figures.ts'
import type { FleetFigures } from './fleet/index.ts'
import type { Requests } from './http.ts'
import { idleBreakers } from './idle.ts'
import type { Imports } from './imports.ts'
import type { NewKeys } from './keys.ts'
import { ratios } from './ratios.ts'
import { keysOf } from './record.ts'
import type { Report } from './report.ts'
import { subjects } from './subjects.ts'

/** Renders the report as text. */
export function render(report: Report): string {
  const { versions, method, figures } = report
  const tables = [
    callRows(figures),
    idleRows(figures),
    keyRows(figures.newKeys),
    requestRows(figures.requests),
    importRows(figures.imports),
    fleetRows(figures.fleet),
    comparisonRows(report),
    targetRows(report),
  ]
  return [
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    method,
    ...tables.map((rows) => rows.join('\n')),
  ].join('\n\n')
}

function callRows({ nanoseconds, medianRound, overhead }: Figures): string[] {
  const rows = [row('', 'ns per call', 'median round', 'overhead')]
  for (const name of keysOf(subjects)) {
    const added = overhead[name]
    const cells = [nanoseconds[name], medianRound[name], ...(added === undefined ? [] : [added])]
    rows.push(row(subjects[name].title, ...cells.map(tenths)))
  }
  return rows
}

function idleRows({ idleBytes, idleTimers }: Figures): string[] {
  return [
    row('an idle breaker', 'bytes', 'timers'),
    ...keysOf(idleBreakers).map((name) => row(name, idleBytes[name].toFixed(0), String(idleTimers[name]))),
  ]
}

function keyRows(newKeys: readonly NewKeys[]): string[] {
  return [
    row('a new key in a full registry', 'µs'),
    ...newKeys.map(({ seen, microseconds }) =>
      row(`after ${seen.toLocaleString('en')} dead keys`, tenths(microseconds)),
    ),
  ]
}

function requestRows({ microseconds, added }: Requests): string[] {
  return [
    row('a request over loopback', 'bare, µs', 'guarded, µs', 'added, µs'),
    row('fetch', ...[microseconds.fetch, microseconds.guardedFetch, added.fetch].map(tenths)),
    row('undici', ...[microseconds.undici, microseconds.guardedUndici, added.undici].map(tenths)),
  ]
}

function importRows({ opossum, cockatiel, entryPoints }: Imports): string[] {
  return [
    row('an import', 'ms', 'packages alone', 'added'),
    row('opossum', tenths(opossum)),
    row('cockatiel', tenths(cockatiel)),
    ...entryPoints.map(({ name, milliseconds, packages, packagesAlone, added }) =>
      packages.length > 0
        ? row(`${name}, with ${packages.join(', ')}`, ...[milliseconds, packagesAlone, added].map(tenths))
        : row(name, tenths(milliseconds)),
    ),
  ]
}

function fleetRows({ load, spread }: FleetFigures): string[] {
  const { slow, fast, idle } = load.operations
  return [
    row('a fleet on Redis', 'calls/s', 'operations/s'),
    row('a breaker with little traffic', slow.calls.toFixed(0), slow.perSecond.toFixed(2)),
    row('a breaker with much traffic', fast.calls.toFixed(0), fast.perSecond.toFixed(2)),
    row('100 idle breakers', '0', idle.toFixed(2)),
    row(
      'an opening reaches 15 other processes: ms, median and p99',
      ...[spread.reach.median, spread.reach.p99].map(tenths),
    ),
    row('an exchange: µs of server time', tenths(load.script)),
    row('1,000 breakers flush: ms', tenths(load.flush)),
    row('a breaker with a storage: bytes', load.bytes.toFixed(0)),
    row("two commands per call, as aiobreaker's: µs added to each call", tenths(load.commandsPerCall)),
  ]
}

/** The ratios that have no limit. */
function comparisonRows({ ratios: measured, medianRatios }: Report): string[] {
  const rows = [row('for comparison', 'measured', 'median round')]
  for (const title of keysOf(ratios)) {
    if (!('limit' in ratios[title]))
      rows.push(row(title, ...[measured[title], medianRatios[title]].map(plain)))
  }
  return rows
}

function targetRows({ targets }: Report): string[] {
  return [
    row('target', 'measured', 'median round', 'at most'),
    ...targets.map(({ title, measured, medianRound, limit, met }) => {
      const cells = [measured, medianRound, limit].map((value) => (value === undefined ? '' : plain(value)))
      return `${row(title, ...cells)}  ${met ? 'met' : 'MISSED'}`
    }),
  ]
}

const plain = (value: number): string => value.toFixed(value < 10 && value > 0 ? 3 : 0)
const tenths = (value: number): string => value.toFixed(1)

function row(title: string, ...cells: string[]): string {
  return title.padEnd(72) + cells.map((cell) => cell.padStart(16)).join('')
}
