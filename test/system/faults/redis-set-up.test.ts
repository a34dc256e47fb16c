import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isStorageUnavailableError } from '../../../src/storage/redis/index.ts'
import { acquire, manualChange, exchange } from '../../../src/testing/storage-kit/commands.ts'
import { MINIMAL } from './support/acl.ts'
import { allFamilies } from './support/clients.ts'
import { eventually, exchanges, host, Member } from './support/fleet-member.ts'
import { freePort } from '../../helpers/free-port.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const NAMES = [
  '{a}',
  'a{b}c',
  'new\nline',
  'nul\0',
  '🔌',
  '\ud800',
  '\ud801',
  '',
  ' ',
  '__proto__',
  'x'.repeat(10_000),
]

for (const family of await allFamilies()) {
  describe(`RedisStorage with ${family.name}, set up correctly and incorrectly`, () => {
    let server: RedisServer
    let admin: Client

    before(async () => {
      server = await startRedis()
      admin = await connect(server.url)
    })
    beforeEach(async () => void (await admin.flushAll()))
    after(async () => {
      admin.destroy()
      await server.stop()
    })

    const only = async (member: Member, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } finally {
        await member.end()
      }
    }

    it('F29: the minimal ACL is sufficient for everything', async () => {
      await admin.aclSetUser('fleet', ['reset', 'on', '>secret', ...MINIMAL])
      const member = new Member(family, server.url.replace('//', '//fleet:secret@'))
      await only(member, async () => {
        await member.listen()
        await exchanges(member.storage)
        const { storage } = member
        const opened = await storage.change('payments', manualChange(host, '1', { to: 'open', openFor: 0 }))
        assert.ok(opened.type === 'changed')
        const knows = { ...host, state: 'open', epoch: opened.record.epoch } as const
        assert.equal((await storage.acquire('payments', acquire(knows, 'nonce'))).type, 'granted')
        assert.equal(
          (
            await storage.change(
              'payments',
              manualChange(host, '2', { to: 'isolated', ifManual: opened.record.manual.epoch }),
            )
          ).type,
          'changed',
        )
        await eventually(() => member.hints.length >= 2, 'hints')
        assert.deepEqual(member.log, [])
      })
    })

    it('F29: a user that may not run the script gets one clear report', async () => {
      await admin.aclSetUser('nobody', ['reset', 'on', '>secret', '~*', '&*', '+ping'])
      const member = new Member(family, server.url.replace('//', '//nobody:secret@'))
      await only(member, async () => {
        const refused = /denies this user the script.*NOPERM/
        await assert.rejects(exchanges(member.storage), refused)
        await assert.rejects(exchanges(member.storage), refused)
        assert.equal(member.log.length, 1)
        assert.match(member.log[0]!, refused)
      })
    })

    it('F29: a user that may not subscribe to hints gets a report, and works without them', async () => {
      await admin.aclSetUser('deaf', ['reset', 'on', '>secret', '~*', '+@all', 'resetchannels'])
      const member = new Member(family, server.url.replace('//', '//deaf:secret@'))
      await only(member, async () => {
        await exchanges(member.storage)
        await assert.rejects(member.listen(), isStorageUnavailableError)
        await exchanges(member.storage)
        assert.equal(member.log.length, 1)
        assert.match(member.log[0]!, /no hints of transitions arrive.*NOPERM/)
        assert.equal(member.storage.state, 'live')
      })
    })

    it('F16: wrong credentials are one clear error, without an immediate retry', async () => {
      await admin.aclSetUser('fleet', ['reset', 'on', '>secret', ...MINIMAL])
      const before = Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1])
      const member = new Member(family, server.url.replace('//', '//fleet:wrong@'))
      await only(member, async () => {
        for (let i = 0; i < 3; i++) {
          await assert.rejects(exchanges(member.storage), /Redis refused the credentials: WRONGPASS/)
        }
        assert.deepEqual(member.states, ['degraded'])
        assert.equal(member.log.length, 1)
        const made = Number(/total_connections_received:(\d+)/.exec(await admin.info('stats'))?.[1])
        assert.ok(made - before <= 1, `${made - before} connections`)
      })
    })

    it('an unreachable server is one clear error, and dispose does not wait for it', async () => {
      const member = new Member(family, `redis://127.0.0.1:${await freePort()}`)
      await assert.rejects(exchanges(member.storage), (error) => {
        assert.ok(isStorageUnavailableError(error))
        assert.match(error.message, /^Redis cannot be reached: .*ECONNREFUSED/)
        return true
      })
      assert.equal(member.log.length, 1)
      const started = performance.now()
      await member.end()
      assert.ok(performance.now() - started < 100)
      assert.equal(member.storage.state, 'closed')
      await assert.rejects(exchanges(member.storage), /disposed of/)
    })

    it('dispose waits for pending commands', async () => {
      const member = new Member(family, server.url)
      await exchanges(member.storage)
      const last = member.storage.exchange('payments', exchange(host, { successes: 3 }))
      await member.end()
      assert.equal((await last).type, 'exchanged')
      await member.end()
    })

    it('F11: names of all kinds have records and hints of their own', async () => {
      const member = new Member(family, server.url)
      await only(member, async () => {
        await member.listen()
        for (const [i, name] of NAMES.entries()) {
          const reply = await member.storage.change(
            name,
            manualChange(host, 'n', { to: 'open', openFor: 1_000 + i }),
          )
          assert.equal(reply.type, 'changed')
        }
        const keys = await admin.keys('*')
        assert.equal(keys.length, NAMES.length)
        for (const key of keys) assert.match(key, /^recloser:2:\{[\w.%~-]{0,128}\}$/)
        await eventually(() => member.hints.length === NAMES.length, 'hints')
        assert.deepEqual(
          member.hints.map((hint) => hint !== 'resync' && hint.name),
          NAMES.map((name) => member.storage.recordName(name)),
        )
      })
    })

    it('F23: ignores forged and oversized pushes', async () => {
      const member = new Member(family, server.url)
      await only(member, async () => {
        await member.listen()
        const forged = ['', ' ', 'payments', 'payments x', 'payments 1 2', 'payments -1', 'a b 1', '\0 1']
        for (const push of [...forged, `${'x'.repeat(1_000_000)} 1`, 'a 1'])
          await admin.publish('recloser:2', push)
        await eventually(() => member.hints.length > 0, 'the last hint')
        assert.deepEqual(member.hints, [{ name: 'a', epoch: 1 }])
      })
    })

    it('F28: a process that abandons its storage ends by itself, but not before a reply', async () => {
      assert.deepEqual(await leave(family.name, server.url), ['exchanged live\n', 0])
    })

    it('F28: it also ends while connecting to a server that never answers', async () => {
      const silent = createServer((socket) => void socket.on('error', () => {}).resume())
      await once(silent.listen(0, '127.0.0.1'), 'listening')
      const { port } = silent.address() as AddressInfo
      try {
        const outcome = await leave(family.name, `redis://127.0.0.1:${port}`)
        assert.deepEqual(outcome, ['StorageDeadlineError connecting\n', 0])
      } finally {
        silent.close()
      }
    })
  })
}

/**
 * Runs a process that uses a storage and abandons it. Returns its output and exit code, or `null` if it does not end.
 */
async function leave(library: string, url: string): Promise<[string, number | null]> {
  const program = new URL('support/process.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [program, library, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  const tooLong = setTimeout(() => child.kill('SIGKILL'), 10_000)
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(tooLong)
  return [printed, code]
}
