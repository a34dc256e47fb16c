import type { Measured } from './measures.ts'
import type { GroupResult } from './results.ts'
import { POLICIES, type Policy } from './scenario.ts'

type Column = readonly [heading: readonly [string, string], cell: (measured: Measured) => string]

const COLUMNS: readonly Column[] = [
  [['calls in', 'outage'], ({ calls }) => integer(calls)],
  [['reached it', 'and failed'], ({ failed }) => integer(failed)],
  [['fleet', 'protected'], ({ protectedAfter }) => seconds(protectedAfter)],
  [['', 'probes'], ({ probes }) => integer(probes)],
  [['fleet', 'recovered'], ({ recoveredAfter }) => seconds(recoveredAfter)],
  [['good calls', 'rejected'], ({ lost }) => integer(lost)],
  [['false', 'trips'], ({ falseTrips }) => integer(falseTrips)],
  [['store/s:', 'calm'], ({ store }) => integer(store.calm)],
  [['', 'outage'], ({ store }) => integer(store.outage)],
  [['', 'peak'], ({ store }) => integer(store.peak)],
  [['', 'idle'], ({ store }) => integer(store.idle)],
  [['slowest', 'reply'], ({ store }) => (store.peak ? `${integer(store.longestReply)} ms` : '–')],
]

/** Returns the figures of one group as a table for a terminal. */
export function table({ group, results }: GroupResult): string {
  const rows = [
    ['', '', ...COLUMNS.map(([[above]]) => above)],
    ['', '', ...COLUMNS.map(([[, below]]) => below)],
    ...results.flatMap(({ scenario: { title }, of }) =>
      POLICIES.map((policy, index) => row(index === 0 ? title : '', policy, of[policy])),
    ),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((text, at) => (at < 2 ? text.padEnd(widths[at]!) : text.padStart(widths[at]!))).join('  ')
  return [group.title, '', ...rows.map((row) => line(row).trimEnd())].join('\n')
}

function row(title: string, policy: Policy, measured: Measured): string[] {
  return [title, policy, ...COLUMNS.map(([, cell]) => cell(measured))]
}

function integer(value: number): string {
  // Do not round a small value to nothing.
  return value > 0 && value < 0.5 ? '<1' : Math.round(value).toLocaleString('en')
}

function seconds(milliseconds: number | null): string {
  return milliseconds === null ? 'never' : `${(milliseconds / 1_000).toFixed(1)} s`
}
