import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reduce, type Reduction } from '../../../../src/storage/reducer/reduce.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import type { StorageReply } from '../../../../src/storage/contract/replies.ts'
import { exchange, manualChange, sender } from '../../../../src/testing/storage-kit/commands.ts'

const NOW = 1_800_000_000_000
const host = sender('host')
/** A healthy report of a breaker whose rule has no window. */
const healthy = (epoch = 0): ReturnType<typeof exchange> =>
  exchange(sender('host', { epoch }), { successes: 9, rings: [] })

const report = (stored: unknown, at: number, epoch = 0): Reduction<StorageReply> =>
  reduce(stored, healthy(epoch), NOW + at)

describe('the note that calls are reported', () => {
  it('F15b: gives a healthy breaker a record, which lasts for five minutes', () => {
    const { record, reply, ttl, publish } = report(undefined, 0)
    assert.equal(reply.type, 'exchanged')
    const { state, epoch, reportedAt } = record as BreakerRecord & { reportedAt: number }
    assert.deepEqual({ state, epoch, reportedAt }, { state: 'closed', epoch: 0, reportedAt: NOW })
    assert.deepEqual([ttl, publish], [300_000, undefined])
  })

  it('F15b: is written once a minute, whatever the number of reports and of processes', () => {
    let stored: unknown
    const writes: number[] = []
    for (let at = 0; at <= 180_000; at += 500) {
      const { record, ttl } = report(stored, at)
      if (ttl !== undefined) writes.push(at)
      stored = record
    }
    assert.deepEqual(writes, [0, 60_000, 120_000, 180_000])
  })

  it('F15b: is not made by a report that counts nothing', () => {
    const nothing = exchange(host, { rings: [] })
    const elsewhere = exchange(host, { epoch: 7, successes: 1, rings: [] })
    for (const command of [nothing, elsewhere]) assert.equal(reduce(undefined, command, NOW).ttl, undefined)
  })

  it('F14, F15b: is made again when the clock was set back, so that it never lies in the future', () => {
    const { record } = report(undefined, 3_600_000)
    assert.equal((report(record, 0).record as { reportedAt: number }).reportedAt, NOW)
  })

  it('F15b: belongs to one closed state', () => {
    const { record } = report(undefined, 0)
    const isolated = reduce(record, manualChange(host, 'n-1', { to: 'isolated' }), NOW + 1).record
    assert.ok(!('reportedAt' in (isolated as object)))
    assert.equal(report(isolated, 2, NOW + 1).ttl, undefined)
    const from = sender('host', { manual: { epoch: NOW + 1, nonce: 'n-1', actor: '' } })
    const closed = reduce(isolated, manualChange(from, 'n-2', { to: 'closed' }), NOW + 3).record
    assert.equal((closed as { reportedAt: number }).reportedAt, 0)
    const again = report(closed, 4, NOW + 3).record
    assert.equal((again as { reportedAt: number }).reportedAt, NOW + 4)
  })
})
