import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { readEntry, type Entry } from '../../../../src/cli/fleet/entry.ts'
import { fleetTable } from '../../../../src/cli/fleet/table.ts'
import { painter } from '../../../../src/cli/base/io.ts'
import { widthOf } from '../../../../src/cli/table/width.ts'

const NOW = 1_000_000
const base = { recloser: '1', epoch: '900000', since: '940000', attempt: '1' }
const entry = (name: string, fields: Readonly<Record<string, string>>): Entry =>
  readEntry(`recloser:2:{${name}}`, name, { ...base, ...fields }, NOW)!

const payments = entry('payments', {
  state: 'open',
  until: '1025000',
  length: '85000',
  reason: 'failureRate',
  by: 'host-a',
})
const stock = entry('stock', { state: 'isolated', reason: 'maintenance until 14:00', by: 'cli-alice' })
const search = entry('search', { state: 'closed', decay: '0', run: '3,host-a,host-b' })
const foreign = readEntry('recloser:2:{odd}', 'odd', 'no hash', NOW)!

describe('the table of a fleet', () => {
  it('lists unusable records first, then the worst', () => {
    assert.deepEqual(fleetTable([search, stock, payments, foreign], Infinity, painter(false)), [
      'breaker   state       left  scope  reporters  reason                            by         since',
      'odd       ? unusable        local          –  what is stored there is not ours',
      'payments  ✖ open      25 s  fleet          –  failureRate                       host-a     1 min 00 s ago',
      'stock     ■ isolated  held  fleet          –  maintenance until 14:00           cli-alice  1 min 00 s ago',
      'search    ● closed          local          2                                               1 min 00 s ago',
      '',
      '4 breakers: 1 unusable, 1 open, 1 isolated, 1 closed',
    ])
  })

  it('fits any width, also with colors', () => {
    const all = [search, stock, payments, foreign, entry('%E6%94%AF'.repeat(30), { state: 'isolated' })]
    for (let columns = 1; columns <= 130; columns++) {
      const lines = fleetTable(all, columns, painter(true)).slice(0, -1)
      for (const line of lines)
        assert.ok(widthOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`)
    }
  })

  it('shows the state of now, despite expired leases and clocks that were set back', () => {
    const half = { state: 'half-open', opened: '900000', due: '930000', calls: '1', successes: '1' }
    const probes = {
      ...half,
      concurrent: '1',
      passed: '0',
      failed: '0',
      leases: 'n,990000,30000,host-a,20000',
    }
    const expired = entry('probes', probes)
    assert.ok(expired.unusable === null)
    const { state, reason, remaining } = expired
    assert.deepEqual(
      { state, reason, remaining },
      { state: 'open', reason: 'probeTimeout', remaining: 10_000 },
    )
    const back = entry('back', { state: 'open', until: '9000000', length: '60000' })
    assert.ok(back.unusable === null)
    assert.equal(back.remaining, 60_000)
  })

  it('recognizes unusable and missing records', () => {
    const why = (fields: Record<string, string>): unknown =>
      readEntry('recloser:2:{x}', 'x', fields, NOW)?.unusable
    assert.equal(why({ some: 'hash' }), 'foreign')
    assert.equal(why({ recloser: '2', state: 'odd' }), 'newer')
    assert.equal(why({ ...base, state: 'open', until: 'soon' }), 'corrupt')
    assert.equal(readEntry('recloser:2:{x}', 'x', {}, NOW), undefined)
  })
})
