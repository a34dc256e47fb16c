import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { fromReply, toArguments } from '../../../src/storage/redis/protocol.ts'
import { SCRIPT } from '../../../src/storage/redis/script.ts'
import type { StorageCommand } from '../../../src/storage/contract/commands.ts'
import type { StorageReply } from '../../../src/storage/contract/replies.ts'
import {
  acquire,
  manualChange,
  exchange,
  sender,
  settle,
  trip,
} from '../../../src/testing/storage-kit/commands.ts'
import { startRedis, type RedisServer } from './support/redis-server.ts'
import { connect, type Client } from './support/script-storage.ts'

const KEY = 'recloser-test:{script}'
const host = sender('host')

describe('the script on a server with problems', () => {
  let server: RedisServer
  let client: Client
  let sha: string

  before(async () => {
    server = await startRedis()
    client = await connect(server.url)
    sha = await client.scriptLoad(SCRIPT)
  })

  after(async () => {
    client.destroy()
    await server.stop()
  })

  beforeEach(async () => void (await client.flushAll()))

  const send = async (command: StorageCommand, by: Client = client): Promise<StorageReply> => {
    const args = toArguments({ channel: 'hints', name: 'script' }, command, 'test.1')
    return fromReply(await by.evalSha(sha, { keys: [KEY], arguments: args }), 'test.1')
  }
  const changes = async (): Promise<number> =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(await client.info('persistence'))?.[1])
  const hash = async (): Promise<object> => ({ ...(await client.hGetAll(KEY)) })

  it('F12, F22: uses the clock of the server, and stores one key', async () => {
    const [seconds = '0', micros = '0'] = (await client.sendCommand(['TIME'])) as unknown as string[]
    const earlier = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
    const reply = await send(trip(host, 0, 60_000))
    assert.ok(reply.type === 'changed')
    const { epoch, remaining } = reply.record
    assert.ok(epoch >= earlier && epoch < earlier + 10_000, `${epoch} after ${earlier}`)
    assert.equal(remaining, 60_000)
    assert.deepEqual(await client.keys('*'), [KEY])
  })

  it('F15: an isolated record does not expire, and one that is closed again does', async () => {
    await send(manualChange(host, 'host-1', { to: 'open', openFor: 1_000 }))
    assert.ok((await client.pTTL(KEY)) > 86_400_000 - 1_000)
    await send(manualChange(host, 'host-2', { to: 'isolated' }))
    assert.equal(await client.pTTL(KEY), -1)
    await send(manualChange(host, 'host-3', { to: 'closed' }))
    const left = await client.pTTL(KEY)
    assert.ok(left > 50_000 && left <= 60_000, String(left))
  })

  it('F19: a read, a denial and a late command write nothing, not even the time to live', async () => {
    await send(trip(host, 0, 60_000))
    const opened = await changes()
    assert.ok(opened > 0)
    assert.equal((await send(acquire(sender('other'), '1'))).type, 'denied')
    assert.equal((await send(settle(host, '1', 5, 'success'))).type, 'late')
    assert.equal((await send(exchange(host, { failures: 3 }))).type, 'exchanged')
    assert.equal((await send(trip(host, 7))).type, 'refused')
    assert.equal(await changes(), opened)
  })

  it('F16: a key of another type is foreign; it is neither written nor expired', async () => {
    await client.lPush(KEY, ['a', "user's", 'list'])
    assert.deepEqual(await send(trip(host, 0)), { type: 'unusable', why: 'foreign' })
    assert.equal(await client.lLen(KEY), 3)
    assert.equal(await client.pTTL(KEY), -1)
    await client.del(KEY)
    await client.hSet(KEY, { field: "a user's" })
    assert.deepEqual(await send(trip(host, 0)), { type: 'unusable', why: 'foreign' })
    assert.deepEqual(await hash(), { field: "a user's" })
  })

  it('F22: without memory nothing is written, and the record stays intact', async () => {
    await send(exchange(host, { failures: 1 }))
    const whole = await hash()
    await client.configSet('maxmemory', '1')
    try {
      await assert.rejects(send(trip(host, 0)), /OOM/)
      assert.deepEqual(await hash(), whole)
    } finally {
      await client.configSet('maxmemory', '0')
    }
    assert.equal((await send(trip(host, 0))).type, 'changed')
  })

  it('F22: on a replica nothing is written', async () => {
    await send(exchange(host, { failures: 1 }))
    const whole = await hash()
    await client.sendCommand(['REPLICAOF', '127.0.0.1', '1'])
    try {
      await assert.rejects(send(trip(host, 0)), /READONLY/)
      assert.deepEqual(await hash(), whole)
    } finally {
      await client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    }
  })

  it('F22: a transition takes effect even if it may not be published', async () => {
    await client.aclSetUser('mute', ['on', 'nopass', '~*', '+@all', 'resetchannels'])
    const mute = await connect(server.url)
    try {
      await mute.auth({ username: 'mute', password: 'any' })
      await assert.rejects(mute.publish('hints', 'x'), /NOPERM/)
      assert.equal((await send(trip(host, 0), mute)).type, 'changed')
      const reply = await send(exchange(host))
      assert.ok(reply.type === 'exchanged' && reply.record.state === 'open')
    } finally {
      mute.destroy()
    }
  })

  it('F16: the server refuses a user without access to the key', async () => {
    await client.aclSetUser('elsewhere', ['on', 'nopass', '~other:*', '+@all', '&*'])
    const elsewhere = await connect(server.url)
    try {
      await elsewhere.auth({ username: 'elsewhere', password: 'any' })
      await assert.rejects(send(trip(host, 0), elsewhere), /NOPERM/)
      assert.deepEqual(await hash(), {})
    } finally {
      elsewhere.destroy()
    }
  })
})
