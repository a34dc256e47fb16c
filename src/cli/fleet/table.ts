import { ago, period } from '../table/format.ts'
import type { Paint } from '../base/io.ts'
import { byName, countStates, labelOf, STATES, summary, timeLeft } from '../table/states.ts'
import { layOut, type Column } from '../table/table.ts'
import { printable } from '../base/text.ts'
import { REPORT_NOTE } from '../../storage/contract/limits.ts'
import { authorOf, type Entry, type RecordEntry, type UnusableEntry } from './entry.ts'

const WHY: Readonly<Record<UnusableEntry['unusable'], string>> = {
  foreign: 'what is stored there is not ours',
  newer: 'written by a newer version of recloser',
  corrupt: 'the record makes no sense',
}

const COLUMNS: readonly Column<Entry>[] = [
  { title: 'breaker', min: 12, text: ({ name }) => printable(name) },
  {
    title: 'state',
    keep: 9,
    text: (entry) => (entry.unusable === null ? labelOf(entry.state) : '? unusable'),
    paint: (entry, text, paint) =>
      paint(entry.unusable === null ? STATES[entry.state].style : 'yellow', text),
  },
  {
    title: 'left',
    keep: 8,
    align: 'right',
    text: (entry) => {
      if (entry.unusable !== null) return ''
      const { state, remaining } = entry
      return timeLeft(state, remaining === 0 ? 'due' : period(remaining ?? 0))
    },
  },
  { title: 'scope', keep: 4, text: (entry) => (entry.unusable === null ? entry.scope : 'local') },
  {
    title: 'reporters',
    keep: 5,
    align: 'right',
    text: (entry) => (entry.unusable === null ? String(entry.reporters ?? '–') : '–'),
  },
  {
    title: 'reason',
    keep: 7,
    min: 12,
    text: (entry) => (entry.unusable === null ? printable(entry.reason) : WHY[entry.unusable]),
  },
  { title: 'by', keep: 3, min: 8, text: (entry) => (entry.unusable === null ? authorOf(entry) : '') },
  {
    title: 'since',
    keep: 2,
    text: (entry) => (entry.unusable === null && entry.epoch > 0 ? ago(entry.age) : ''),
    paint: (_entry, text, paint) => paint('dim', text),
  },
  {
    title: 'reported',
    keep: 1,
    text: (entry) => (entry.unusable === null ? lastReport(entry) : ''),
    paint: (_entry, text, paint) => paint('dim', text),
  },
]

/** Returns when calls were last reported, of which the record knows no more than the minute (F15b). */
function lastReport({ state, reported }: RecordEntry): string {
  if (state !== 'closed') return ''
  if (reported === null) return '–'
  const minutes = Math.floor(reported / REPORT_NOTE)
  return minutes < 1 ? '<1 min ago' : minutes < 60 ? `${minutes} min ago` : ago(reported)
}

/** Compares entries: unusable records first, then the worst state, then by name. */
function worstFirst(a: Entry, b: Entry): number {
  return rank(a) - rank(b) || byName.compare(a.name, b.name)
}

const rank = (entry: Entry): number => (entry.unusable === null ? STATES[entry.state].rank : -1)

/** Returns the records as a table, and the number of breakers in each state. */
export function fleetTable(entries: readonly Entry[], columns: number, paint: Paint): string[] {
  const unusable = entries.filter((entry) => entry.unusable !== null).length
  const states = entries.flatMap((entry) => (entry.unusable === null ? [entry.state] : []))
  const parts = [
    ...(unusable === 0 ? [] : [paint('yellow', `${unusable} unusable`)]),
    ...countStates(states, paint),
  ]
  return [
    ...layOut(COLUMNS, entries.toSorted(worstFirst), columns, paint),
    '',
    summary(entries.length, parts),
  ]
}
