import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const path = join(import.meta.dirname, '../../../docs/migration.md')

export type Peer = 'opossum' | 'cockatiel' | 'aiobreaker'

/** A row of a table in docs/migration.md. */
export interface Row {
  readonly line: number
  /** The names of the other library that the row is about, without their arguments: `timeout`, `breaker.fire`. */
  readonly names: readonly string[]
  readonly ours: string
  /** The sentences that state a difference in behavior. */
  readonly changes: readonly string[]
}

/** Returns the rows of all tables about a library. */
export function readRows(peer: Peer): readonly Row[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  const from = lines.indexOf(`## ${peer}`)
  if (from < 0) throw new Error(`Expected docs/migration.md to have a section "## ${peer}"`)
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith('## '))
  return lines.slice(from, length < 0 ? undefined : from + 1 + length).flatMap((text, index) => {
    if (!/^\| [^-]/.test(text) || text.startsWith(`| ${peer} `)) return []
    const [theirs = '', ours = '', changes = ''] = cells(text)
    const line = from + index + 1
    return [{ line, names: namesIn(theirs), ours, changes: sentences(changes) }]
  })
}

/** The cells of a table's row. */
function cells(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** The code in a cell, each without its arguments or value. */
function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = '']) => {
    const [name] = /'\w+'|@?[\w.]*\w/.exec(code.replace(/^(?:await|new) /, '')) ?? [code]
    return name
  })
}

function sentences(cell: string): string[] {
  return cell === '' ? [] : cell.split(/(?<=\.) (?=[A-Z`])/)
}
