import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isStorageDeadlineError } from '../../../src/storage/redis/index.ts'
import { manualChange, exchange, settle } from '../../../src/testing/storage-kit/commands.ts'
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

const families = await allFamilies()

// They wait most of the time, so they can run concurrently.
describe('RedisStorage on a bad network,', { concurrency: 3 }, () => {
  for (const family of families) {
    describe(`with ${family.name}`, { concurrency: false }, () => {
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
        it(`F28b: a connection that ${what} is renewed without a word, and no hint is missed`, async () => {
          await exchanges(member.storage)
          await member.listen()
          assert.equal(proxy.connections, 2)
          happens(proxy)
          await eventually(
            () => member.hints.includes('resync'),
            'F23: subscribers are notified that they may have missed something',
          )
          await recovers(member.storage)
          await member.storage.change('payments', manualChange(host, '1', { to: 'isolated' }))
          await eventually(() => member.hints.some((hint) => hint !== 'resync'), 'hints arrive again')
          assert.equal(proxy.connections, 4)
          assert.deepEqual(member.states, ['live'])
          assert.deepEqual(member.log, [])
        })
      }

      it('F28b: what cannot be renewed within a second is lost, which is reported once, and so is its return', async () => {
        await exchanges(member.storage)
        await member.listen()
        const began = performance.now()
        proxy.block()
        await eventually(async () => {
          await exchanges(member.storage).catch(() => {})
          return member.storage.state === 'degraded'
        }, 'the loss is noticed')
        assert.ok(performance.now() - began >= 990)
        const { connections } = proxy
        const counted = performance.now()
        await sleep(3_000)
        const most = 2 * (2 + (performance.now() - counted) / 500)
        assert.ok(proxy.connections - connections <= most, 'F24b: two attempts a second, of each kind')
        proxy.heal()
        await eventually(() => member.storage.state === 'live', 'it is live again')
        await recovers(member.storage)
        assert.deepEqual(member.states, ['live', 'degraded', 'live'])
        assert.equal(member.log.length, 2, member.log.join('\n'))
        assert.match(member.log[0]!, /cannot be reached, so each process decides alone/)
        assert.match(member.log[1]!, /the store is back/)
      })

      it('F28b: a store that is too slow for each operation is lost once, and back once it is quick enough', async () => {
        const deadline = 500
        const slow = new Member(family, proxy.url, { deadline })
        try {
          await recovers(slow.storage)
          slow.states.length = 0
          proxy.treat((reply, wire) => void setTimeout(() => wire.send(reply), 1.5 * deadline))
          const end = performance.now() + 15 * deadline
          while (performance.now() < end) {
            await exchanges(slow.storage).catch(() => {})
            await sleep(10)
          }
          assert.deepEqual(slow.states, ['degraded'])
          assert.equal(slow.log.length, 1, slow.log.join('\n'))
          proxy.heal()
          await eventually(() => slow.storage.state === 'live', 'it is live again')
          await recovers(slow.storage)
        } finally {
          await slow.end()
        }
      })

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

      it('F22b: detects a lost reply, so that the next one is not mistaken for it', async () => {
        await exchanges(member.storage)
        proxy.withholdReplies()
        await assert.rejects(missed(), isStorageDeadlineError)
        proxy.heal()
        const settled = member.storage.settle('payments', settle(host, 'nonce', 1, 'cancel'))
        await assert.rejects(settled, { name: /^Storage/ })
        await recovers(member.storage)
        assert.equal(
          (await member.storage.settle('payments', settle(host, 'nonce', 1, 'cancel'))).type,
          'late',
        )
        assert.deepEqual(member.states, ['live'])
      })

      it('F27: a subscription that missed its deadline leaves nothing behind', async () => {
        const hints: unknown[] = []
        proxy.withholdReplies()
        const late = member.storage.subscribe((hint) => void hints.push(hint), SHORT)
        await assert.rejects(late, isStorageDeadlineError)
        proxy.heal()
        await recovers(member.storage)
        await member.listen()
        await member.storage.change('payments', manualChange(host, '1', { to: 'isolated' }))
        await eventually(() => member.hints.some((hint) => hint !== 'resync'), 'hints arrive')
        assert.deepEqual(hints, [])
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
    })
  }
})
