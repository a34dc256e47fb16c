import { installedVersion } from './compare.ts'
import type { Comparison, Result } from './compare.ts'
import { libraryNames } from './library.ts'
import type { LibraryName } from './library.ts'
import { topics } from './scenarios/index.ts'

const signs: Record<Result['verdict'], string> = { right: '✓', wrong: '✗', 'n/a': '–', broken: '!' }

export function heading(name: LibraryName): string {
  return `${name} ${installedVersion(name)}`
}

/** The comparison as a table for the README: a row for each scenario, what went wrong in the cell. */
export function markdownTable(comparison: Comparison): string {
  const rows = [
    ['What should happen', ...libraryNames.map(heading)],
    ['---', '---', '---', '---'],
  ]
  for (const [topic, scenarios] of Object.entries(topics)) {
    rows.push([`**${topic}**`, '', '', ''])
    for (const { id, title } of scenarios) {
      rows.push([title, ...libraryNames.map((name) => cell(comparison[name].get(id)))])
    }
  }
  return rows.map((row) => `| ${row.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`).join('\n')
}

function cell(result: Result | undefined): string {
  if (!result) return '?'
  return result.verdict === 'right' ? signs.right : `${signs[result.verdict]} ${result.seen}`
}

/** The same for a terminal: what was seen stands under each scenario. */
export function plainTable(comparison: Comparison): string {
  const lines: string[] = []
  for (const [topic, scenarios] of Object.entries(topics)) {
    lines.push('', topic)
    for (const { id, title, rules } of scenarios) {
      lines.push(`  ${title} (${rules})`)
      for (const name of libraryNames) {
        const result = comparison[name].get(id)
        lines.push(
          `    ${result ? signs[result.verdict] : '?'} ${name.padEnd(10)} ${result?.seen ?? 'not run'}`,
        )
      }
    }
  }
  lines.push('', ...libraryNames.map((name) => total(name, comparison)))
  return lines.join('\n')
}

function total(name: LibraryName, comparison: Comparison): string {
  const count = { right: 0, wrong: 0, 'n/a': 0, broken: 0 }
  for (const { verdict } of comparison[name].values()) count[verdict]++
  return `${heading(name).padEnd(18)} ${count.right} right, ${count.wrong} wrong, ${count['n/a']} not applicable${count.broken ? `, ${count.broken} broken` : ''}`
}
