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
import { RESP_TYPES } from 'redis'
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
  const raw = async (field: string): Promise<unknown> =>
    client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).hGet(KEY, field)
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
    assert.ok(left > 86_390_000 && left <= 86_400_000, String(left)) // older orders lose for a day
    await client.del(KEY)
    await send(exchange(host, { failures: 1 }))
    const counted = await client.pTTL(KEY)
    assert.ok(counted > 290_000 && counted <= 300_000, String(counted))
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

  it('F22: the usual exchange reads one time, and writes one time', async () => {
    const commands = async (command: StorageCommand): Promise<string[]> => {
      await client.sendCommand(['CONFIG', 'RESETSTAT'])
      assert.equal((await send(command)).type, 'exchanged')
      const stats = await client.info('commandstats')
      return [...stats.matchAll(/^cmdstat_(\w+):calls=(\d+)/gm)]
        .map(([, name, calls]) => `${name} ${calls}`)
        .filter((each) => !/^(?:config|info|evalsha)/.test(each))
        .toSorted()
    }
    await send(exchange(host, { successes: 1 }))
    const counts = exchange(host, { failures: 2 })
    assert.deepEqual(await commands(counts), ['hmget 1', 'hset 1', 'pexpire 1', 'time 1'])
    assert.deepEqual(await commands(exchange(host)), ['hmget 1', 'time 1'])
    const nothing = exchange(host, { successes: 3, rings: [] })
    assert.deepEqual(await commands(nothing), ['hdel 1', 'hmget 1', 'pexpire 1', 'time 1'])
    assert.deepEqual(await commands(nothing), ['hmget 1', 'time 1'])
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

  it('F16: text that is garbage makes a record corrupt, whatever its bytes', async () => {
    await send(manualChange(host, 'host-1', { to: 'open', openFor: 60_000, reason: 'dürr 🙂', actor: 'ä' }))
    const whole = await hash()
    const garbage = [
      [0xff],
      [0x80],
      [0xc0, 0x80], // too long a form of U+0000
      [0xe0, 0x80, 0x80],
      [0xf0, 0x80, 0x80, 0x80],
      [0xc3], // cut
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x99],
      [0xed, 0xa0, 0x80], // half of a surrogate pair
      [0xf4, 0x90, 0x80, 0x80], // beyond U+10FFFF
      [0xc3, 0x28],
      [0xc3, 0xc3, 0xa4],
    ].map((bytes) => Buffer.from([...Buffer.from('ä'), ...bytes]))
    for (const field of ['reason', 'actor']) {
      for (const value of [...garbage, Buffer.alloc(300, 'x')]) {
        await client.sendCommand(['HSET', KEY, field, value])
        const stored = await raw(field)
        for (const command of [exchange(host), acquire(host, '1'), trip(host, 0)]) {
          assert.deepEqual(await send(command), { type: 'unusable', why: 'corrupt' }, value.toString('hex'))
        }
        assert.deepEqual(await raw(field), stored)
      }
      await client.hSet(KEY, { ...whole })
      assert.equal((await send(exchange(host))).type, 'exchanged')
    }
  })

  it('F16, F22: a text that is not UTF-8 is malformed, so that no client can make a record corrupt', async () => {
    const order = manualChange(host, 'host-1', { to: 'isolated' })
    const args = toArguments({ channel: '', name: 'script' }, order, 'test.1')
    for (const [at, what] of [
      [5, 'sender'],
      [6, 'sender'],
      [8, 'change'],
      [9, 'change'],
    ] as const) {
      const hostile: (string | Buffer)[] = args.with(at, '')
      hostile[at] = Buffer.from([0xc3, 0xa4, 0xff])
      const reply: unknown = await client.sendCommand(['EVALSHA', sha, '1', KEY, ...hostile] as never)
      assert.deepEqual(reply, ['test.1', 'malformed', what])
      assert.deepEqual(await hash(), {})
    }
    assert.equal((await send(order)).type, 'changed')
  })

  it('F16: no field is too long or too strange to be answered', async () => {
    await send(exchange(host, { failures: 1 }))
    const closed = { ...(await hash()) } as Record<string, string>
    const { recloser: line = '' } = closed
    const most = 1_000_000
    const texts = ['9', ';', ',', ' ', 'x', '=', '9:', '1:1:1 ', ',a', '9,9,9;', 'n,1,1,n,1;', '\0', 'é']
    for (const unit of texts) {
      const long = unit.repeat(most / unit.length)
      for (const [field, value] of [
        ['recloser', long],
        ['recloser', `2 ${long}`],
        ['recloser', line + long],
        ['recloser', line.replace(/rings=.*/, `rings=${long}`)],
        ['recloser', line.replace('by=', `by=${long}`)],
        ['reason', long],
        ['actor', long],
        ['run', long],
        ['run', `1${long}`],
        ['10000:10:0', long],
        ['10000:10:0', `0:1:1:1,1,1;${long}`],
        ['10000:10:0', `0:${'9'.repeat(14)}:999:1,1,1;${long.slice(0, 39_000)}`],
        ['leases', long],
        ['ended', long],
      ] as const) {
        await client.hSet(KEY, { ...closed, [field]: value })
        const reply = await send(exchange(host, { failures: 1, epoch: 0 }))
        assert.ok(['exchanged', 'unusable'].includes(reply.type), `${field} ${unit}`)
      }
    }
  })

  it('F16: fields that are not ours are neither read nor written, however many there are', async () => {
    await send(exchange(host, { failures: 1 }))
    for (let at = 0; at < 100; at++) {
      const fields = Array.from({ length: 1_000 }, (_, i) => [`${at}-${i}`, 'forged'])
      await client.hSet(KEY, Object.fromEntries(fields) as Record<string, string>)
    }
    await client.hSet(KEY, { state: 'isolated', '60000:10:0': '0:1:1:9,9,9;9,9,9', ended: 'host-1' })
    const counted = await send(exchange(host, { failures: 1, epoch: 0 }))
    assert.ok(counted.type === 'exchanged' && counted.counted)
    assert.deepEqual([counted.record.state, counted.run.failures, counted.rings[0]?.calls], ['closed', 2, 2])
    const opened = await send(trip(host, 0, 0))
    assert.ok(opened.type === 'changed')
    const { epoch } = opened.record
    const granted = await send(acquire(sender('host', { state: 'open', epoch }), 'host-1'))
    assert.equal(granted.type, 'granted')
    assert.equal(await client.hLen(KEY), 100_002 + 3) // ours: recloser, reason, leases; without the forged ended
  })

  it('F22b: each reply begins with the token of its command, whatever the reply', async () => {
    const run = (...args: string[]): Promise<unknown> => client.evalSha(sha, { keys: [KEY], arguments: args })
    const replies: [unknown, string][] = []
    for (const [i, command] of [
      exchange(host),
      acquire(host, '1'),
      settle(host, '1', 5, 'success'),
    ].entries()) {
      const token = `a.Z_9-${i}`
      const args = toArguments({ channel: '', name: '' }, command, token)
      replies.push(
        [await run(...args), token],
        [await run(token), token],
        [await run(...args.slice(0, -1)), token],
      )
      await client.set(KEY, 'foreign')
      replies.push([await run(...args), token])
      await client.del(KEY)
    }
    assert.deepEqual(new Set(replies.map(([reply]) => (reply as string[])[1])).size, 5)
    for (const [reply, token] of replies) assert.equal((reply as string[])[0], token)
    const longest = 'x'.repeat(32)
    assert.deepEqual(await run(longest), [longest, 'malformed', 'type'])
    for (const token of ['', 'x'.repeat(33), 'a b', 'a;', 'ä', 'a\n']) {
      await assert.rejects(run(token, 'exchange'), /^\[?ErrorReply|^Error|token/)
    }
    await assert.rejects(run(), /token/)
  })

  it('F15b: a store without memory refuses the note that calls are reported, and nothing else', async () => {
    await client.configSet('maxmemory', '1')
    try {
      const noted = await send(exchange(host, { successes: 3, rings: [] }))
      assert.ok(noted.type === 'exchanged' && noted.counted)
      await assert.rejects(send(exchange(host, { failures: 1, rings: [] })), /OOM/)
      await assert.rejects(send(exchange(host, { successes: 3 })), /OOM/)
      assert.deepEqual(await hash(), {})
    } finally {
      await client.configSet('maxmemory', '0')
    }
    await send(exchange(host, { successes: 3, rings: [] }))
    assert.deepEqual(Object.keys(await hash()), ['recloser'])
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
