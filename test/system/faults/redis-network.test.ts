import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { isStorageDeadlineError } from '../../../src/storage/redis/index.ts'
import { acquire, manualChange, exchange, sender, settle } from '../../../src/testing/storage-kit/commands.ts'
import { allFamilies } from './support/clients.ts'
import { eventually, exchanges, host, Member, recovers, SHORT } from './support/fleet-member.ts'
import { Proxy } from './support/proxy.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect } from './support/script-storage.ts'

const FAULTS = {
  'is cut': (proxy: Proxy) => proxy.cut(),
  'is reset': (proxy: Proxy) => proxy.reset(),
  'is half closed': (proxy: Proxy) => proxy.halfClose(),
}

for (const family of await allFamilies()) {
  describe(`RedisStorage with ${family.name}, on a bad network`, () => {
    let server: RedisServer
    let proxy: Proxy
    let member: Member

    before(async () => {
      server = await startRedis()
    })
    beforeEach(async () => {
      const admin = await connect(server.url)
      await admin.flushAll()
      admin.destroy()
      proxy = await Proxy.to(server.port)
      member = new Member(family, proxy.url)
    })
    afterEach(async () => {
      await member.end()
      await proxy.close()
    })
    after(() => server.stop())
    const missed = (): Promise<unknown> => exchanges(member.storage, 'payments', SHORT)

    for (const [what, happens] of Object.entries(FAULTS)) {
      it(`F28: a connection that ${what} is replaced, and each change of state is reported once`, async () => {
        await exchanges(member.storage)
        await member.listen()
        assert.equal(proxy.connections, 2)
        happens(proxy)
        await eventually(() => member.states.includes('degraded'), 'the loss is noticed')
        await eventually(() => member.storage.state === 'live', 'it is live again')
        await recovers(member.storage)
        assert.deepEqual(member.states, ['live', 'degraded', 'live'])
        assert.equal(member.log.filter((line) => line.includes('cannot be reached, so')).length, 1)
        assert.equal(member.log.filter((line) => line.includes('is back')).length, 1)
        await eventually(
          () => member.hints.filter((hint) => hint === 'resync').length === 2,
          'F23: subscribers are notified that commands can be sent again, and that they may have missed something',
        )
        await member.storage.change('payments', manualChange(host, '1', { to: 'isolated' }))
        await eventually(() => member.hints.some((hint) => hint !== 'resync'), 'hints arrive again')
      })
    }

    it('garbage is not a reply: the connection is replaced', async () => {
      await exchanges(member.storage)
      proxy.garble()
      await assert.rejects(missed(), { name: /^Storage/ })
      proxy.heal()
      await recovers(member.storage)
      assert.equal(member.storage.state, 'live')
    })

    it('F27: three missed deadlines in a row bring a connection down; two do not', async () => {
      await exchanges(member.storage)
      const misses = async (times: number): Promise<void> => {
        proxy.withholdReplies()
        for (let i = 0; i < times; i++) await assert.rejects(missed(), isStorageDeadlineError)
        proxy.deliverWithheld()
      }
      await misses(2)
      await exchanges(member.storage)
      await misses(2)
      assert.deepEqual(member.states, ['live'])
      await exchanges(member.storage)
      await misses(3)
      assert.equal(member.states[1], 'degraded')
      await recovers(member.storage)
      assert.deepEqual(member.states, ['live', 'degraded', 'live'])
    })

    it('detects a lost reply, so that the next one is not mistaken for it', async () => {
      await exchanges(member.storage)
      proxy.withholdReplies()
      await assert.rejects(missed(), isStorageDeadlineError)
      proxy.heal()
      const settled = member.storage.settle('payments', settle(host, 'nonce', 1, 'cancel'))
      await assert.rejects(settled, { name: /^Storage/ })
      await recovers(member.storage)
      assert.equal((await member.storage.settle('payments', settle(host, 'nonce', 1, 'cancel'))).type, 'late')
      assert.deepEqual(member.states, ['live', 'degraded', 'live'])
    })

    it('F25: an exchange whose reply is lost is not repeated', async () => {
      await exchanges(member.storage)
      proxy.withholdReplies()
      const command = exchange(host, { successes: 1 })
      await assert.rejects(member.storage.exchange('payments', command, SHORT), isStorageDeadlineError)
      proxy.cut()
      proxy.heal()
      await recovers(member.storage)
      const [ring] = (await exchanges(member.storage)).rings
      assert.equal(ring?.calls, 1)
    })

    it('F27: a lease that arrives on a replaced connection is returned', async () => {
      const { storage } = member
      const opened = await storage.change('payments', manualChange(host, '1', { to: 'open', openFor: 0 }))
      assert.ok(opened.type === 'changed')
      const knows = sender('host', { state: 'open', epoch: opened.record.epoch })
      proxy.withholdReplies()
      await assert.rejects(storage.acquire('payments', acquire(knows, 'lost'), SHORT), isStorageDeadlineError)
      for (let i = 0; i < 2; i++) await assert.rejects(missed(), isStorageDeadlineError)
      assert.equal(storage.state, 'degraded')
      proxy.deliverWithheld()
      await recovers(storage)
      await eventually(async () => {
        const reply = await storage.acquire('payments', acquire(knows, 'another'))
        return reply.type === 'granted'
      }, 'the lease is free again')
    })
  })
}
