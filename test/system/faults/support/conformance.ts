import process from 'node:process'
import { after, before, describe, it } from 'node:test'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { storageCases } from '../../../../src/testing/storage-kit.ts'
import type { Family } from './clients.ts'
import { freePort } from '../../../helpers/free-port.ts'
import { launch, type Launch, type RedisServer } from './redis-server.ts'
import { connect, type Client } from './script-storage.ts'

const KEY = (name: string): string => `kit:2:{${encodeURIComponent(name)}}`

/** Runs the conformance kit against `RedisStorage` with one client, on one kind of server. */
export function conforms({ name: family, single }: Family, what: string, how?: Launch): void {
  describe(`RedisStorage with ${family} on ${what}, by the conformance kit`, () => {
    let server: RedisServer
    let admin: Client

    before(async () => {
      server = await launch(await freePort(), [], how)
      admin = await connect(server.url)
    })

    after(async () => {
      admin.destroy()
      await server.stop()
    })

    const cases = storageCases({
      // Cases that miss a deadline set their own; a burst may take a while on a busy machine.
      connect: () => new RedisStorage({ client: () => single(server.url), prefix: 'kit', deadline: 10_000 }),
      clear: async () => void (await admin.flushAll()),
      plant: async (name, what) => {
        if (what === 'foreign') await admin.set(KEY(name), "a user's")
        else await admin.hSet(KEY(name), { recloser: what === 'newer' ? '3 ajar' : '2 ajar' })
      },
      hang: () => {
        process.kill(server.pid, 'SIGSTOP')
        return () => void process.kill(server.pid, 'SIGCONT')
      },
    })
    for (const { name, run } of cases) it(name, run)
  })
}
