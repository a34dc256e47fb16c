// A process that uses a storage and abandons it. Arguments: the client library, the URL.
import process from 'node:process'
import { RedisStorage } from '../../../../src/storage/redis/index.ts'
import { exchange, sender } from '../../../../src/testing/storage-kit/commands.ts'
import { familyOf } from './clients.ts'

const [, , library = '', url = ''] = process.argv
const { single } = await familyOf(library)
const storage = new RedisStorage({ client: () => single(url), connectDeadline: 60_000, log: () => {} })
try {
  await storage.subscribe(() => {})
  const { type } = await storage.exchange('payments', exchange(sender('host')))
  console.log(type, storage.state)
} catch (error) {
  console.log((error as Error).name, storage.state)
}
