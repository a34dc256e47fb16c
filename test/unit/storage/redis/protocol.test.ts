import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromFields, toFields } from '../../../../src/storage/redis/fields.ts'
import { fromReply, toArguments } from '../../../../src/storage/redis/protocol.ts'
import { SCRIPT } from '../../../../src/storage/redis/script.ts'
import {
  acquire,
  manualChange,
  exchange,
  RING,
  sender,
  settle,
  trip,
} from '../../../../src/testing/storage-kit/commands.ts'
import { reduce } from '../../../../src/storage/reducer/reduce.ts'
import { blankRecord, readRecord, type BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { StorageCommand } from '../../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'

const TOKEN = 'instance.1'
const VIEW = ['0 open 9 8 7 b 6 5 4 b-1', 'r', 'ann'] as const
const MANUAL = { epoch: 4, nonce: 'b-1', actor: 'ann' }
const RECORD = {
  state: 'open',
  epoch: 9,
  remaining: 8,
  attempt: 7,
  reason: 'r',
  by: 'b',
  age: 6,
  ramped: 5,
  manual: MANUAL,
}

describe("the script's arguments and replies", () => {
  const sent = (command: StorageCommand): string[] => toArguments({ channel: 'c', name: 'n' }, command, TOKEN)

  it('F22: carry integers in decimal, without an exponent or a fraction', () => {
    const from = sender('host', { epoch: 999_999_999_999_999, remaining: 1e14 })
    const command = exchange(from, { rings: [{ ...RING, calls: 3, failures: 2, slow: 1 }] })
    assert.deepEqual(sent(command), [
      TOKEN,
      'exchange',
      'c',
      'n',
      'host closed 999999999999999 100000000000000 0 0 - 0  0 ',
      '',
      '',
      '999999999999999 0 0 0',
      '10000:10:0 3 2 1',
    ])
  })

  it('F22, F9b, F14b: carry every command, and the last manual change and ramp that the sender knows', () => {
    const from = sender('host', {
      state: 'open',
      epoch: 9,
      remaining: 8,
      attempt: 7,
      decay: 6,
      reason: 'r',
      by: 'b',
      manual: MANUAL,
      ramped: 5,
      ramp: 3,
    })
    const policy = { calls: 3, successes: 2, concurrent: 1 }
    const own = (command: StorageCommand): string[] => {
      const [token, type, channel, name, known, reason, actor, ...rest] = sent(command)
      assert.deepEqual([token, type, channel, name], [TOKEN, command.type, 'c', 'n'])
      assert.deepEqual([known, reason, actor], ['host open 9 8 7 6 5 3 b 4 b-1', 'r', 'ann'])
      return rest
    }
    assert.deepEqual(own(acquire(from, 'x', { policy })), ['x 5000 20000 3 2 1'])
    assert.deepEqual(own(settle(from, 'x', 5, 'failure', 4)), ['x 5 failure 4'])
    assert.deepEqual(own(trip(from, 9, 4)), ['open trip 9 0 4 0 0 0', 'failureRate', ''])
    const halfOpen = manualChange(from, 'x', { to: 'half-open', policy, actor: 'cli:bob' })
    assert.deepEqual(own(halfOpen), ['half-open x  4 0 3 2 1', 'maintenance', 'cli:bob'])
    const isolate = manualChange(from, 'x-1', { to: 'isolated', reason: '', ifManual: 0 })
    assert.deepEqual(own(isolate), ['isolated x-1  0 0 0 0 0', '', 'operator'])
  })

  it('are parsed for every type of reply', () => {
    const parsed = (...reply: unknown[]): StorageReply => fromReply([TOKEN, ...reply], TOKEN)
    const answered = { record: RECORD, reset: false }
    for (const type of ['settled', 'late', 'changed'] as const) {
      assert.deepEqual(parsed(type, '', ...VIEW, ''), { type, ...answered })
    }
    const refused = parsed('refused', 'overtaken', ...VIEW, '')
    assert.deepEqual(refused, { type: 'refused', why: 'overtaken', ...answered })
    const wary = parsed('denied', 'wary', ...VIEW, '5')
    assert.deepEqual(wary, { type: 'denied', why: 'wary', wait: 5, ...answered })
    assert.deepEqual(parsed('granted', '', ...VIEW, '7'), { type: 'granted', lease: 7, ...answered })
    const isolated = parsed('denied', 'isolated', '1 isolated 9 -1 7 b 6 -1 4 b-1', 'r', 'ann', '-1')
    const denied = { type: 'denied', why: 'isolated', wait: null, reset: true }
    assert.deepEqual(isolated, {
      ...denied,
      record: { ...RECORD, state: 'isolated', remaining: null, ramped: null },
    })
    const exchanged = { type: 'exchanged', counted: true, run: { failures: 4, reporters: 2 } }
    assert.deepEqual(parsed('exchanged', '', ...VIEW, '1 4 2 10 5 3 2 1'), {
      ...exchanged,
      ...answered,
      rings: [{ calls: 10, failures: 5, slow: 3, failureReporters: 2, slowReporters: 1 }],
    })
    const [reason, actor] = ['two words\n', ' ä ']
    const spaced = parsed('exchanged', '', '0 closed 2 0 0  6 -1 1 n', reason, actor, '0 0 0')
    assert.ok('record' in spaced && spaced.record.by === '' && spaced.record.age === 6)
    assert.deepEqual([spaced.record.reason, spaced.record.manual], [reason, { epoch: 1, nonce: 'n', actor }])
    const plain = parsed('exchanged', '', '0 closed 0 0 0  6 -1 0 ', '', '', '0 0 0')
    assert.deepEqual('record' in plain && plain.record.manual, { epoch: 0, nonce: '', actor: '' })
    assert.deepEqual(parsed('malformed', 'sender'), { type: 'malformed', what: 'sender' })
    assert.deepEqual(parsed('unusable', 'newer'), { type: 'unusable', why: 'newer' })
  })

  it('are refused if they do not come from the script', () => {
    for (const answer of [
      null,
      'OK',
      [],
      [TOKEN, 'granted'],
      {},
      [TOKEN, 'nonsense', ''],
      [TOKEN, 'late', 1],
    ]) {
      assert.throws(() => fromReply(answer, TOKEN), { name: 'TypeError', message: /the reply of the script/ })
    }
  })

  it('F22b: are refused if they answer another command, whatever they say', () => {
    for (const reply of [
      ['settled', '', ...VIEW, ''],
      ['malformed', 'type'],
      ['unusable', 'corrupt'],
    ]) {
      assert.doesNotThrow(() => fromReply([TOKEN, ...reply], TOKEN))
      for (const other of ['instance.2', 'instance.10', 'other.1', '']) {
        assert.throws(() => fromReply([other, ...reply], TOKEN), {
          name: 'TypeError',
          message: /the reply of the script/,
        })
      }
    }
  })
})

describe('the script', () => {
  it('F11: has nothing dynamic in its text, and documents its input and output', () => {
    assert.ok(!SCRIPT.includes('${'))
    for (const heading of ['KEYS', 'ARGV', 'Result', 'Event', 'Fields', 'Version', 'Order']) {
      assert.match(SCRIPT, new RegExp(`^${heading} `, 'm'))
    }
  })
})

describe('the fields of a hash', () => {
  it('F29: can be read with redis-cli, and leave out what is empty', () => {
    const command = manualChange(sender('operator'), 'operator-1', { to: 'open', openFor: 500, actor: 'ann' })
    const { record } = reduce(undefined, command, 1_000_000)
    assert.deepEqual(toFields(record as BreakerRecord), {
      recloser:
        '2 open epoch=1000000 since=1000000 attempt=1 by=operator manual=1000000 nonce=operator-1 ' +
        'until=1000500 length=500 failedBy=',
      reason: 'maintenance',
      actor: 'ann',
    })
  })

  it('F16: are read as the record that they were written from', () => {
    const { record } = reduce(undefined, exchange(sender('host'), { failures: 2 }), 1_000_000)
    assert.deepEqual(readRecord(fromFields(toFields(record as BreakerRecord))), record)
  })

  it('F16: may be joined by any others, which are neither read nor believed', () => {
    const { record } = reduce(undefined, exchange(sender('host'), { failures: 2 }), 1_000_000)
    const forged = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`9${i}:1:0`, '0:1;9,9,9']))
    const fields = { ...toFields(record as BreakerRecord), ...forged, state: 'open', ended: 'host-1' }
    assert.deepEqual(readRecord(fromFields(fields)), record)
  })

  it('F16: are foreign without a version, newer with a larger one, and otherwise corrupt if a part is invalid', () => {
    const valid = toFields(blankRecord(5))['recloser']!
    const read = (recloser: string, more = {}): unknown => readRecord(fromFields({ recloser, ...more }))
    assert.ok(typeof read(valid) === 'object')
    for (const text of ['', 'x', '0', ' 2', '-2', '9'.repeat(16)]) assert.equal(read(text), 'foreign', text)
    for (const text of ['3', '3 closed', '10 x', '9'.repeat(15)]) assert.equal(read(text), 'newer', text)
    const invalid = [
      '1',
      '2',
      valid.replace('2', '1'),
      valid.replace('2', '02'),
      valid.replace('closed', 'open'),
      valid.replace('closed', 'ajar'),
      valid.replace('epoch=0', 'epoch=-1'),
      valid.replace('epoch=0', `epoch=${'9'.repeat(15)}`), // no transition could follow
      valid.replace('since=5', `since=${'9'.repeat(16)}`),
      valid.replace('by=', `by=${'x'.repeat(33)}`),
      valid.replace('by=', 'by=é'),
      valid.replace('nonce=', 'nonce=a\n'),
      valid.replace('decay=0 ', ''),
      `${valid}10000:10:0 10000:10:0`,
      `${valid}1:1:1 2:2:2 3:3:3 4:4:4 5:5:5`,
      `${valid}10000:10`,
      `${valid} `,
    ]
    for (const text of invalid) assert.equal(read(text), 'corrupt', text)
    const fields = [
      { reason: 'x'.repeat(257) },
      { reason: 'é'.repeat(129) },
      { actor: 'é'.repeat(33) },
      { run: '0,a' },
      { run: '1,' },
      { run: '9'.repeat(16) },
      { run: '9,a,b,c,d,e,f,g,h,i' },
    ]
    for (const more of fields) assert.equal(read(valid, more), 'corrupt', JSON.stringify(more))
  })

  it('F16: mean no record where there are none', () => {
    assert.equal(fromFields({}), undefined)
  })
})
