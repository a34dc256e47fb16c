import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MonotonicTime } from '../../../src/base/clock.ts'
import { Replica } from '../../../src/fleet/replica.ts'
import { Health } from '../../../src/storage/contract/health.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { exchange, sender } from '../../../src/testing/storage-kit/commands.ts'

const storage = new MemoryStorage()

describe('F23: the replica of a record', () => {
  it('F23: stays stale after a reply that a hint has overtaken, until the next reply', async () => {
    const time = new MonotonicTime({ now: () => 0 }, { report: assert.fail })
    const replica = new Replica('payments', storage, new Health(), time)
    const reply = await storage.exchange('payments', exchange(sender('host')))
    assert.ok(reply.type === 'exchanged')
    assert.equal(replica.stale, true)
    replica.accept(reply, undefined, replica.invalidations)
    assert.equal(replica.stale, false)

    const { invalidations } = replica
    replica.invalidate()
    replica.accept(reply, undefined, invalidations)
    assert.equal(replica.stale, true)
    replica.accept(reply, undefined, replica.invalidations)
    assert.equal(replica.stale, false)
  })
})
