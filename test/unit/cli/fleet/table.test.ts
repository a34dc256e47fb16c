import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { jsonLine } from '../../../../src/cli/base/text.ts'
import { readEntry, type Entry, type RecordEntry } from '../../../../src/cli/fleet/entry.ts'
import { fleetTable } from '../../../../src/cli/fleet/table.ts'
import { painter } from '../../../../src/cli/base/io.ts'
import { widthOf } from '../../../../src/cli/table/width.ts'
import { NO_MANUAL } from '../../../../src/storage/contract/limits.ts'
import {
  blankRecord,
  VERSION,
  type BreakerRecord,
  type HalfOpenRecord,
  type OpenRecord,
} from '../../../../src/storage/reducer/record.ts'
import { toFields } from '../../../../src/storage/redis/fields.ts'

const NOW = 1_000_000_000
const EPOCH = NOW - 100_000
const base = {
  recloser: VERSION,
  epoch: EPOCH,
  since: NOW - 60_000,
  attempt: 1,
  reason: '',
  by: '',
  manual: NO_MANUAL,
}
const by = (actor: string): Pick<BreakerRecord, 'manual'> => ({
  manual: { epoch: EPOCH, nonce: 'n-1', actor },
})
const entry = (name: string, record: BreakerRecord): RecordEntry => {
  const read = readEntry(`recloser:2:{${name}}`, name, toFields(record), NOW)
  assert.ok(read?.unusable === null)
  return read
}
const open = (given: Partial<OpenRecord> = {}): OpenRecord => ({
  ...base,
  state: 'open',
  until: NOW + 25_000,
  length: 85_000,
  failedBy: '',
  ...given,
})
const isolated = (given: Partial<BreakerRecord> = {}): BreakerRecord =>
  ({ ...base, state: 'isolated', ...given }) as BreakerRecord
const closed = (given: object = {}): BreakerRecord => ({ ...blankRecord(NOW), ...base, ...given })

const payments = entry('payments', open({ reason: 'failureRate', by: 'host-a' }))
const stock = entry(
  'stock',
  isolated({ reason: 'maintenance until 14:00', by: 'cli-alice', ...by('cli:alice') }),
)
const prices = entry('prices', isolated({ reason: 'repairs', by: 'host-b', ...by('ann') }))
const search = entry('search', closed({ run: 3, runReporters: ['host-a', 'host-b'] }))
const foreign = readEntry('recloser:2:{odd}', 'odd', 'no hash', NOW)!
const lines = (...entries: readonly Entry[]): string[] => fleetTable(entries, Infinity, painter(false))

describe('the table of a fleet', () => {
  it('F9c: lists unusable records first, then the worst, with who changed them', () => {
    assert.deepEqual(lines(search, stock, prices, payments, foreign), [
      'breaker   state       left  scope  reporters  reason                            by             since           reported',
      'odd       ? unusable        local          –  what is stored there is not ours',
      'payments  ✖ open      25 s  fleet          –  failureRate                       host-a         1 min 00 s ago',
      'prices    ■ isolated  held  fleet          –  repairs                           ann on host-b  1 min 00 s ago',
      'stock     ■ isolated  held  fleet          –  maintenance until 14:00           cli:alice      1 min 00 s ago',
      'search    ● closed          local          2                                                   1 min 00 s ago  –',
      '',
      '5 breakers: 1 unusable, 1 open, 2 isolated, 1 closed',
    ])
  })

  it('F9c: names the actor only of the change that began the state', () => {
    const { actor, manual } = entry('later', open({ epoch: EPOCH + 1, ...by('cli:alice') }))
    assert.deepEqual([actor, manual.actor], ['', 'cli:alice'])
    assert.equal(stock.actor, 'cli:alice')
  })

  it('F15b: shows when a closed breaker was last reported, to the minute', () => {
    const reported = (reportedAt: number): string | undefined =>
      lines(entry('search', closed({ epoch: 0, reportedAt })))[1]
        ?.split(/ {2,}/)
        .at(-1)
    assert.equal(reported(NOW), '<1 min ago')
    assert.equal(reported(NOW - 59_999), '<1 min ago')
    assert.equal(reported(NOW - 60_000), '1 min ago')
    assert.equal(reported(NOW - 290_000), '4 min ago')
    assert.equal(reported(NOW + 90_000), '<1 min ago')
    assert.equal(reported(NOW - 59 * 60_000), '59 min ago')
    assert.equal(reported(NOW - 25 * 3_600_000), '1 d 1 h ago')
    assert.equal(reported(0), '–')
    assert.equal(entry('search', closed({ reportedAt: NOW - 7 })).reported, 7)
    assert.equal(payments.reported, null)
  })

  it('F29: shows foreign text with control and bidi characters escaped, and never more than 300 characters of it', () => {
    const hostile = '\u001B[2J\u202Egnp.exe\n'
    const record = isolated({ reason: hostile, by: 'cli', ...by(hostile) })
    const name = `%1B%E2%80%AE${'x'.repeat(9_000)}`
    const all = [
      entry(name, record),
      readEntry(`recloser:2:{${'y'.repeat(9_000)}}`, 'y'.repeat(9_000), 'no hash', NOW)!,
    ]
    for (const text of [lines(...all).join(''), jsonLine(all).trimEnd()]) {
      assert.doesNotMatch(text, /[\p{Cc}\p{Cf}]/u)
      assert.match(text, /\\u001b\[2J\\u202egnp\.exe\\n/)
    }
    assert.ok(lines(...all).every((line) => line.length < 1_000))
    assert.ok(jsonLine(all).length < 10_000)
  })

  it('fits any width, also with colors', () => {
    const all = [search, stock, payments, foreign, entry('%E6%94%AF'.repeat(30), isolated())]
    for (let columns = 1; columns <= 130; columns++) {
      for (const line of fleetTable(all, columns, painter(true)).slice(0, -1))
        assert.ok(widthOf(stripVTControlCharacters(line)) <= columns, `${columns}: ${line}`)
    }
  })

  it('shows the state of now, despite expired leases and clocks that were set back', () => {
    const lease = { nonce: 'n', until: NOW - 10_000, length: 30_000, reporter: 'host-a', reopenFor: 20_000 }
    const probes: HalfOpenRecord = {
      ...base,
      state: 'half-open',
      opened: EPOCH,
      due: NOW - 70_000,
      calls: 1,
      successes: 1,
      concurrent: 1,
      passed: 0,
      failed: 0,
      failedBy: '',
      leases: [lease],
      ended: [],
    }
    const { state, reason, remaining } = entry('probes', probes)
    assert.deepEqual(
      { state, reason, remaining },
      { state: 'open', reason: 'probeTimeout', remaining: 10_000 },
    )
    assert.equal(entry('back', open({ until: NOW + 8_000_000, length: 60_000 })).remaining, 60_000)
  })

  it('recognizes unusable and missing records', () => {
    const why = (fields: Readonly<Record<string, string>>): unknown =>
      readEntry('recloser:2:{x}', 'x', fields, NOW)?.unusable
    assert.equal(why({ some: 'hash' }), 'foreign')
    const ours = toFields(isolated())
    const line = ours['recloser']!
    assert.equal(why({ ...ours, recloser: line.replace(/^\d+/, '9') }), 'newer')
    assert.equal(why({ ...ours, recloser: `${VERSION} ajar` }), 'corrupt')
    assert.equal(readEntry('recloser:2:{x}', 'x', {}, NOW), undefined)
  })
})
