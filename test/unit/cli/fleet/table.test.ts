import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { readEntry, type Entry } from '../../../../src/cli/fleet/entry.ts'
import { toFields } from '../../../../src/storage/redis/fields.ts'
import { blankRecord, type BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import { fleetTable } from '../../../../src/cli/fleet/table.ts'
import { painter } from '../../../../src/cli/base/io.ts'
import { widthOf } from '../../../../src/cli/table/width.ts'

const NOW = 1_000_000
const base = { ...blankRecord(940_000), epoch: 900_000, attempt: 1 }
const opened = { ...base, failedBy: '' } as const
const entry = (name: string, record: BreakerRecord): Entry =>
  readEntry(`recloser:2:{${name}}`, name, toFields(record), NOW)!

const payments = entry('payments', {
  ...opened,
  state: 'open',
  until: 1_025_000,
  length: 85_000,
  reason: 'failureRate',
  by: 'host-a',
})
const stock = entry('stock', {
  ...base,
  state: 'isolated',
  reason: 'maintenance until 14:00',
  by: 'cli-alice',
})
const search = entry('search', { ...base, run: 3, runReporters: ['host-a', 'host-b'] })
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
    const all = [
      search,
      stock,
      payments,
      foreign,
      entry('%E6%94%AF'.repeat(30), { ...base, state: 'isolated' }),
    ]
    for (let columns = 1; columns <= 130; columns++) {
      const lines = fleetTable(all, columns, painter(true)).slice(0, -1)
      for (const line of lines)
        assert.ok(widthOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`)
    }
  })

  it('shows the state of now, despite expired leases and clocks that were set back', () => {
    const lease = { nonce: 'n', until: 990_000, length: 30_000, reporter: 'host-a', reopenFor: 20_000 }
    const policy = { calls: 1, successes: 1, concurrent: 1 }
    const period = {
      opened: 900_000,
      due: 930_000,
      ...policy,
      passed: 0,
      failed: 0,
      leases: [lease],
      ended: [],
    }
    const expired = entry('probes', { ...opened, ...period, state: 'half-open' })
    assert.ok(expired.unusable === null)
    const { state, reason, remaining } = expired
    assert.deepEqual(
      { state, reason, remaining },
      { state: 'open', reason: 'probeTimeout', remaining: 10_000 },
    )
    const back = entry('back', { ...opened, state: 'open', until: 9_000_000, length: 60_000 })
    assert.ok(back.unusable === null)
    assert.equal(back.remaining, 60_000)
  })

  it('recognizes unusable and missing records', () => {
    const why = (fields: Record<string, string>): unknown =>
      readEntry('recloser:2:{x}', 'x', fields, NOW)?.unusable
    assert.equal(why({ some: 'hash' }), 'foreign')
    assert.equal(why({ recloser: '3 odd' }), 'newer')
    assert.equal(why({ recloser: '2 open until=soon' }), 'corrupt')
    assert.equal(readEntry('recloser:2:{x}', 'x', {}, NOW), undefined)
  })
})
