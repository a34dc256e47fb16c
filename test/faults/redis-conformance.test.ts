import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { RedisStorage } from '../../src/storage/redis/index.ts'
import { storageCases } from '../../src/testing/storage-kit.ts'
import { families } from './support/clients.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const KEY = (name: string): string => `kit:1:{${encodeURIComponent(name)}}`

for (const { name: family, single } of families) {
  describe(`RedisStorage with ${family}, by the conformance kit`, () => {
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
      connect: () => new RedisStorage({ client: () => single(server.url), prefix: 'kit' }),
      clear: async () => void (await admin.flushAll()),
      plant: async (name, what) => {
        if (what === 'foreign') await admin.set(KEY(name), "a user's")
        else await admin.hSet(KEY(name), { recloser: what === 'newer' ? '2' : '1', state: 'ajar' })
      },
      hang: () => {
        process.kill(server.pid, 'SIGSTOP')
        return () => void process.kill(server.pid, 'SIGCONT')
      },
    })
    for (const { name, run } of cases) it(name, run)
  })
}
