import type { BreakerReport } from '../../monitor/report.ts'
import { printable } from '../base/text.ts'
import type { Board } from './board.ts'
import { ago, count, latency, percent, period, rate } from '../table/format.ts'
import { painter, type Paint } from '../base/io.ts'
import { byName, countStates, labelOf, STATES, summary, timeLeft } from '../table/states.ts'
import { layOut, type Column } from '../table/table.ts'
import { truncate } from '../table/width.ts'

/** A row of the table. */
interface Row {
  readonly report: BreakerReport
  readonly changedAgo: number | undefined
  /** Milliseconds since the report arrived. */
  readonly age: number
}

const byState = (row: Row, text: string, paint: Paint): string => paint(STATES[row.report.state].style, text)
const dim = (_row: Row, text: string, paint: Paint): string => paint('dim', text)

const COLUMNS: readonly Column<Row>[] = [
  { title: 'breaker', min: 12, text: ({ report }) => printable(report.id) },
  {
    title: 'state',
    keep: 9,
    text: ({ report }) => [labelOf(report.state), ...notes(report)].join(' '),
    paint: byState,
  },
  {
    title: 'left',
    keep: 7,
    align: 'right',
    text: ({ report: { state, retryAfter }, age }) =>
      timeLeft(state, retryAfter === null ? '' : period(retryAfter - age)),
  },
  {
    title: 'errors',
    keep: 8,
    align: 'right',
    text: ({ report: { recent } }) => (recent.failureRate === null ? '–' : percent(recent.failureRate)),
    paint: ({ report: { recent } }, text, paint) =>
      recent.failureRate ? paint('red', text) : paint('dim', text),
  },
  { title: 'calls/s', keep: 5, align: 'right', text: ({ report }) => rate(report.recent.callsPerSecond) },
  { title: 'p50', keep: 3, align: 'right', text: ({ report: { recent } }) => quantile(recent.latency?.p50) },
  { title: 'p99', keep: 4, align: 'right', text: ({ report: { recent } }) => quantile(recent.latency?.p99) },
  { title: 'reason', keep: 6, min: 12, text: reason },
  { title: 'last transition', keep: 2, min: 18, text: lastTransition, paint: dim },
]

/** Returns the notes that follow a breaker's state. */
function notes({ mode, scope, fleet }: BreakerReport): string[] {
  const words = [
    ...(mode === 'enforce' ? [] : [printable(mode)]),
    ...(scope === 'fleet' ? ['fleet'] : []),
    ...(fleet?.link === 'degraded' ? ['cut off'] : []),
  ]
  return words.length === 0 ? [] : [`(${words.join(', ')})`]
}

const quantile = (ms: number | undefined): string => (ms === undefined ? '–' : latency(ms))

function reason({ report: { reason, state, lastFailure } }: Row): string {
  if (reason === null) return ''
  const failure = state !== 'isolated' && lastFailure !== null ? `: ${lastFailure.message}` : ''
  return printable(`${reason}${failure}`)
}

function lastTransition({ report, changedAgo, age }: Row): string {
  const [last] = report.transitions
  return last === undefined || changedAgo === undefined
    ? ''
    : `${last.from} → ${last.to}, ${ago(changedAgo + age)}`
}

/** Compares rows: the worst state first, then the highest failure rate, then by name, to keep the order stable. */
function worstFirst(a: Row, b: Row): number {
  return (
    STATES[a.report.state].rank - STATES[b.report.state].rank ||
    (b.report.recent.failureRate ?? 0) - (a.report.recent.failureRate ?? 0) ||
    byName.compare(a.report.id, b.report.id)
  )
}

/** How to draw a board. */
export interface View {
  readonly columns: number
  /** The maximum number of lines. */
  readonly rows: number
  readonly paint: Paint
  /** The time by the clock that the board is updated with. */
  readonly now: number
}

/** Returns a head and the breakers, the worst first. If not all of them fit, the last line counts the others. */
export function breakerTable(board: Board, { columns, rows, paint, now }: View): string[] {
  const all = Array.from(board.breakers, ({ report, changedAgo, receivedAt }): Row => ({
    report,
    changedAgo,
    age: now - receivedAt,
  })).toSorted(worstFirst)
  if (all.length === 0) return [truncate('No breaker is watched there yet.', columns)]
  const room = Math.max(1, all.length + 1 <= rows ? all.length : rows - 2)
  const lines = layOut(COLUMNS, all.slice(0, room), columns, paint)
  if (all.length <= room) return lines
  return [
    ...lines,
    paint('dim', truncate(`and ${count(all.length - room, 'more breaker')}, none worse`, columns)),
  ]
}

/** Returns the number of breakers in each state, the worst first: `12 breakers: 1 open, 11 closed`. */
export function tally(board: Board, paint: Paint = painter(false)): string {
  const states = [...board.breakers].map(({ report }) => report.state)
  return summary(states.length, countStates(states, paint))
}
