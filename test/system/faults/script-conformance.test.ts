import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { storageCases } from '../../../src/testing/storage-kit.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { CLOCK, connect, keyOf, ScriptStorage, type Client } from './support/script-storage.ts'

describe('the script on a real server, by the conformance kit', () => {
  let server: RedisServer
  let admin: Client

  before(async () => {
    server = await startRedis()
    admin = await connect(server.url)
  })

  after(async () => {
    admin.destroy()
    await server.stop()
  })

  const cases = storageCases({
    connect: () => ScriptStorage.connect(server.url),
    clear: async () => void (await admin.flushAll()),
    setTime: async (now) => void (await admin.set(CLOCK, String(now))),
    plant: async (name, what) => {
      if (what === 'foreign') await admin.set(keyOf(name), "a user's")
      else await admin.hSet(keyOf(name), { recloser: what === 'newer' ? '3 ajar' : '2 ajar' })
    },
    hang: () => {
      process.kill(server.pid, 'SIGSTOP')
      return () => void process.kill(server.pid, 'SIGCONT')
    },
  })
  for (const { name, run } of cases) it(name, run)
})
