import assert from 'node:assert/strict'
import process from 'node:process'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isStorageDeadlineError, isStorageUnavailableError } from '../../../src/storage/redis/index.ts'
import { manualChange, exchange } from '../../../src/testing/storage-kit/commands.ts'
import { allFamilies } from './support/clients.ts'
import { eventually, exchanges, host, Member, recovers, SHORT } from './support/fleet-member.ts'
import { startRedis, startRedisAt, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const isOurs = (error: unknown): boolean => isStorageUnavailableError(error) || isStorageDeadlineError(error)

const families = await allFamilies()

// They wait most of the time, so they can run concurrently.
describe('RedisStorage on a server in trouble,', { concurrency: 3 }, () => {
  for (const family of families) {
    describe(`with ${family.name}`, { concurrency: false }, () => {
      let server: RedisServer
      let admin: Client
      let member: Member

      before(async () => {
        server = await startRedis()
      })
      beforeEach(async () => {
        admin = await connect(server.url)
        await admin.flushAll()
        member = new Member(family, server.url)
        await exchanges(member.storage)
        await member.listen()
      })
      afterEach(async () => {
        await member.end()
        admin.destroy()
      })
      after(() => server.stop())

      it('I1: a killed server that comes back empty learns what its clients know', async () => {
        const opened = await member.storage.change('payments', manualChange(host, '1', { to: 'isolated' }))
        assert.ok(opened.type === 'changed')
        const { epoch } = opened.record
        await server.stop()
        await assert.rejects(exchanges(member.storage), isOurs)
        await eventually(() => member.storage.state === 'degraded', 'the loss is noticed')
        server = await startRedisAt(server.port)
        await eventually(() => member.storage.state === 'live', 'it is live again')
        const knows = { ...host, state: 'isolated', epoch } as const
        const reply = await member.storage.exchange('payments', exchange(knows))
        assert.ok(reply.type === 'exchanged')
        assert.equal(reply.record.state, 'isolated')
        assert.equal(reply.record.epoch, epoch)
        await eventually(() => member.hints.includes('resync'), 'subscribers are notified')
      })

      it('F27: a stopped server is given up after three deadlines, and used again when it continues', async () => {
        process.kill(server.pid, 'SIGSTOP')
        try {
          for (let i = 0; i < 3; i++)
            await assert.rejects(exchanges(member.storage, 'payments', SHORT), isStorageDeadlineError)
          assert.equal(member.storage.state, 'degraded')
          const started = performance.now()
          await assert.rejects(exchanges(member.storage), isStorageUnavailableError)
          assert.ok(performance.now() - started < 100, 'nobody waits for a store that is known to be lost')
        } finally {
          process.kill(server.pid, 'SIGCONT')
        }
        await eventually(() => member.storage.state === 'live', 'it is live again')
        await exchanges(member.storage)
        assert.deepEqual(member.states, ['live', 'degraded', 'live'])
        await eventually(() => member.hints.includes('resync'), 'subscribers that wait to retry are notified')
      })

      it('F22: SCRIPT FLUSH in a loop loses no count and no reply', async () => {
        const stop = new AbortController()
        const loop = async (): Promise<void> => {
          while (!stop.signal.aborted) await admin.scriptFlush()
        }
        const looping = loop()
        for (let round = 0; round < 10; round++) {
          const one = (): Promise<unknown> =>
            member.storage.exchange('payments', exchange(host, { successes: 1 }))
          const replies = await Promise.all(Array.from({ length: 20 }, one))
          assert.equal(replies.length, 20)
        }
        stop.abort()
        await looping
        assert.equal((await exchanges(member.storage)).rings[0]?.calls, 200)
        assert.deepEqual(member.states, ['live'])
      })

      const makeFull = (): Promise<unknown> => admin.configSet('maxmemory', '1')
      const makeReadonly = (): Promise<unknown> => admin.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
      const restore = async (): Promise<void> => {
        await admin.configSet('maxmemory', '0')
        await admin.sendCommand(['REPLICAOF', 'NO', 'ONE'])
      }

      it('F28b: a full store refuses what it cannot hold, answers the rest, and stays live', async () => {
        await makeFull()
        try {
          for (let i = 0; i < 5; i++) {
            const write = await member.storage.exchange('a', exchange(host, { successes: 1 }))
            assert.ok(write.type === 'unusable' && write.why === 'full', JSON.stringify(write))
            assert.match(write.text ?? '', /^OOM /)
            await exchanges(member.storage)
          }
        } finally {
          await restore()
        }
        await exchanges(member.storage)
        assert.deepEqual(member.states, ['live'])
        assert.deepEqual(member.log, [])
      })

      it('F28b: a store that accepts no writes is live, and another connection is sought without a word', async () => {
        const connections = async (): Promise<number> =>
          Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1])
        await makeReadonly()
        try {
          const write = await member.storage.exchange('a', exchange(host, { successes: 1 }))
          assert.ok(write.type === 'unusable' && write.why === 'readonly', JSON.stringify(write))
          await exchanges(member.storage)
          const before = await connections()
          const began = performance.now()
          await sleep(3_000)
          const made = (await connections()) - before
          const most = 1 + (performance.now() - began) / 500
          assert.ok(made >= 2 && made <= most, `F24b: ${made} connections, at most ${most}`)
          member.hints.length = 0
        } finally {
          await restore()
        }
        await eventually(
          () => member.hints.includes('resync'),
          'subscribers are notified that it accepts writes',
        )
        const write = await member.storage.exchange('a', exchange(host, { successes: 1 }))
        assert.equal(write.type, 'exchanged')
        assert.deepEqual(member.states, ['live'])
        assert.deepEqual(member.log, [])
      })

      it('F28b: connections that are killed in a loop are renewed twice a second, and hardly reported', async () => {
        const stop = new AbortController()
        const kill = async (): Promise<void> => {
          while (!stop.signal.aborted) {
            for (const type of ['normal', 'pubsub']) await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', type])
            await sleep(200)
          }
        }
        const before = Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1])
        const began = performance.now()
        const killing = kill()
        let answered = 0
        while (performance.now() - began < 6_000) {
          await exchanges(member.storage).then(
            () => answered++,
            (error: unknown) => assert.ok(isOurs(error), String(error)),
          )
          await sleep(100)
        }
        stop.abort()
        await killing
        const made = Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1]) - before
        const seconds = (performance.now() - began) / 1_000
        assert.ok(made <= 2 * (2 * seconds + 2), `F24b: ${made} connections in ${seconds} s`)
        assert.ok(answered >= 3, `${answered} answers`)
        // A renewal may meet the next kill, and then take more than a second.
        assert.ok(member.log.length <= 6, member.log.join('\n'))
        await recovers(member.storage)
      })

      it('F28b: an idle connection that the server closes rests until it is needed', async () => {
        await admin.configSet('timeout', '1')
        try {
          await eventually(
            async () => !/cmd=eval/.test(await admin.sendCommand(['CLIENT', 'LIST'])),
            'it is closed',
          )
          // What is sent before the client has seen the end is lost with the connection.
          await recovers(member.storage)
          assert.deepEqual(member.states, ['live'])
          assert.deepEqual(member.log, [])
        } finally {
          await admin.configSet('timeout', '0')
        }
      })

      it('BUSY, while another client runs a script, lasts no longer than that', async () => {
        await admin.configSet('busy-reply-threshold', '20')
        const other = await connect(server.url)
        const endless = other.eval('while true do end', {}).catch(() => {})
        try {
          const isBusy = (): Promise<boolean> =>
            admin.ping().then(
              () => false,
              (error: Error) => error.message.startsWith('BUSY'),
            )
          await eventually(isBusy, 'the script runs')
          await eventually(async () => {
            await assert.rejects(exchanges(member.storage), isOurs)
            return member.storage.state === 'degraded'
          }, 'the store is lost')
        } finally {
          await admin.scriptKill()
          await endless
          other.destroy()
        }
        await recovers(member.storage)
        assert.deepEqual(member.states, ['live', 'degraded', 'live'])
      })

      it('F16: a key that cannot be used makes that breaker unusable, and no other', async () => {
        // A key of another type, such as data of the user: WRONGTYPE.
        await admin.set('recloser:2:{theirs}', 'data')
        const reply = await member.storage.exchange('theirs', exchange(host, { failures: 1 }))
        assert.deepEqual(reply, { type: 'unusable', why: 'foreign' })
        await admin.aclSetUser('few', [
          'on',
          '>secret',
          '~recloser:2:{}',
          '~recloser:2:{mine}',
          '&*',
          '+@all',
        ])
        const few = new Member(family, server.url.replace('//', '//few:secret@'))
        try {
          await exchanges(few.storage, 'mine')
          const denied = await few.storage.exchange('other', exchange(host, { failures: 1 }))
          assert.deepEqual(denied, { type: 'unusable', why: 'denied' })
          await exchanges(few.storage, 'mine')
          assert.deepEqual(few.states, ['live'])
        } finally {
          await few.end()
        }
      })
    })
  }
})
