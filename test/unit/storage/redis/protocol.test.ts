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
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { StorageCommand } from '../../../../src/storage/contract/commands.ts'

const REPLY = ['granted', '', 0, 'half-open', 1_800_000_000_001, 0, 1, 'failureRate', 'host', 7, 5_000]

describe("the script's arguments and replies", () => {
  it('F22: carry integers in decimal, without an exponent or a fraction', () => {
    const from = sender('host', { epoch: 999_999_999_999_999, remaining: 1e14 })
    const command = exchange(from, { rings: [{ ...RING, calls: 3, failures: 2, slow: 1 }] })
    assert.equal(
      toArguments({ channel: 'c', name: 'n' }, command).join(' '),
      'exchange c n host closed 999999999999999 100000000000000 0 0   999999999999999 0 0 0 10000 10 0 3 2 1',
    )
    const isolate = manualChange(sender('host'), '1', { to: 'isolated' })
    assert.deepEqual(toArguments({ channel: '', name: '' }, isolate).slice(11), [
      'isolated',
      '1',
      'maintenance',
      '',
      '0',
    ])
  })

  it('F22: carry every command', () => {
    const from = sender('host', {
      state: 'open',
      epoch: 9,
      remaining: 8,
      attempt: 7,
      decay: 6,
      reason: 'r',
      by: 'b',
    })
    const policy = { calls: 3, successes: 2, concurrent: 1 }
    const sent = (command: StorageCommand): string =>
      toArguments({ channel: 'c', name: 'n' }, command).join(' ')
    const head = 'c n host open 9 8 7 6 r b'
    assert.equal(sent(acquire(from, 'x', { policy })), `acquire ${head} x 5000 20000 3 2 1`)
    assert.equal(sent(settle(from, 'x', 5, 'failure', 4)), `settle ${head} x 5 failure 4`)
    assert.equal(sent(trip(from, 9, 4)), `change ${head} open trip failureRate 9 4`)
    const halfOpen = manualChange(from, 'x', { to: 'half-open', policy })
    assert.equal(sent(halfOpen), `change ${head} half-open x maintenance  0 3 2 1`)
  })

  it('are parsed for every type of reply', () => {
    const view = [0, 'open', 9, 8, 7, 'r', 'b', 6]
    const record = { state: 'open', epoch: 9, remaining: 8, attempt: 7, reason: 'r', by: 'b', age: 6 }
    const answered = { record, reset: false }
    for (const type of ['settled', 'late', 'changed'] as const) {
      assert.deepEqual(fromReply([type, '', ...view]), { type, ...answered })
    }
    assert.deepEqual(fromReply(['refused', 'stale', ...view]), { type: 'refused', why: 'stale', ...answered })
    assert.deepEqual(fromReply(['denied', 'wary', ...view, 5]), {
      type: 'denied',
      why: 'wary',
      wait: 5,
      ...answered,
    })
    const isolated = fromReply(['denied', 'isolated', 1, 'isolated', 9, -1, 7, 'r', 'b', 6, -1])
    const denied = { type: 'denied', why: 'isolated', wait: null, reset: true }
    assert.deepEqual(isolated, {
      ...denied,
      record: { ...record, state: 'isolated', remaining: null },
    })
    const exchanged = { type: 'exchanged', counted: true, run: { failures: 4, reporters: 2 } }
    assert.deepEqual(fromReply(['exchanged', '', ...view, 1, 4, 2, 10, 5, 3, 2, 1]), {
      ...exchanged,
      ...answered,
      rings: [{ calls: 10, failures: 5, slow: 3, failureReporters: 2, slowReporters: 1 }],
    })
    assert.deepEqual(fromReply(['malformed', 'tail']), { type: 'malformed', what: 'tail' })
    assert.deepEqual(fromReply(['unusable', 'newer']), { type: 'unusable', why: 'newer' })
  })

  it('are parsed alike, whether the client returns integers as numbers, strings or bigints', () => {
    const expected = fromReply(REPLY)
    assert.equal(expected.type, 'granted')
    const shown = (show: (n: number) => unknown): unknown[] =>
      REPLY.map((value) => (typeof value === 'number' ? show(value) : value))
    assert.deepEqual(fromReply(shown(String)), expected)
    assert.deepEqual(fromReply(shown(BigInt)), expected)
  })

  it('are refused if they do not come from the script', () => {
    for (const answer of [null, 'OK', [], ['granted'], {}, ['nonsense', '', 0]]) {
      assert.throws(() => fromReply(answer), { name: 'TypeError', message: /the reply of the script/ })
    }
  })
})

describe('the script', () => {
  it('F11: has nothing dynamic in its text, and documents its input and output', () => {
    assert.ok(!SCRIPT.includes('${'))
    for (const heading of ['KEYS', 'ARGV', 'Result', 'Event', 'Fields', 'Order']) {
      assert.match(SCRIPT, new RegExp(`^${heading} `, 'm'))
    }
  })
})

describe('the fields of a hash', () => {
  it('F29: can be read with redis-cli, and leave out what is empty', () => {
    const command = manualChange(sender('operator'), 'n1', { to: 'open', openFor: 500 })
    const { record } = reduce(undefined, command, 1_000_000)
    assert.deepEqual(toFields(record as BreakerRecord), {
      recloser: '1',
      state: 'open',
      epoch: '1000000',
      since: '1000000',
      attempt: '1',
      reason: 'maintenance',
      by: 'operator',
      changes: 'n1',
      until: '1000500',
      length: '500',
    })
  })

  it('F16: mean no record where there are none', () => {
    assert.equal(fromFields({}), undefined)
  })
})
