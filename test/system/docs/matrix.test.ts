import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'

const folder = join(import.meta.dirname, '../../integration')
const TITLE = /\bit\(\s*(['`])(.*?)\1,/gs
const LINK = /\]\(([^)]+)\)/g
const SITUATIONS = 7

it('the table of integrations and situations names only existing tests', () => {
  const rows = readFileSync(join(folder, 'README.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes(']('))
    .map((line) => line.split('|').slice(1, -1))
  assert.equal(rows.length, 15)
  for (const [integration = '', ...situations] of rows) {
    assert.equal(situations.length, SITUATIONS, integration)
    const titles = [...integration.matchAll(LINK)].flatMap(([, file = '']) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(TITLE)].map(([, , title = '']) => title),
    )
    for (const words of situations.map((cell) => cell.trim())) {
      if (words.startsWith('none: ')) continue
      assert.ok(
        titles.some((title) => title.includes(words)),
        `${integration.trim()}: no test says "${words}"`,
      )
    }
  }
})
