import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import * as Ioredis from 'ioredis'
import * as Ioredis5 from 'ioredis-5'
import * as Iovalkey from 'iovalkey'
import * as NodeRedis from 'redis'
import * as NodeRedis5 from 'redis-5'
import {
  isStorageUnavailableError,
  RedisStorage,
  type RedisClientLike,
  type RedisClientSource,
} from '../../../../src/storage/redis/index.ts'
import { sender, settle } from '../../../../src/testing/storage-kit/commands.ts'
import { refused } from '../../../helpers/refusal.ts'

// The features by which old clients are recognized. test/system/package/old-peers.test.ts uses the real ones.

const nothing = async (): Promise<void> => {}
const nodeRedis = {
  isOpen: false,
  sendCommand: nothing,
  connect: nothing,
  duplicate: () => {},
  disconnect: nothing,
}
const ioredis = { status: 'wait', call: nothing, duplicate: () => {}, disconnect: () => {} }

const OLD: Readonly<Record<string, readonly [client: object, library: string]>> = {
  'node-redis 4': [{ ...nodeRedis, executeIsolated: nothing }, 'redis'],
  'a Cluster of node-redis 4': [{ ...nodeRedis, getSlotMaster: () => {} }, 'redis'],
  'node-redis 3': [{ sendCommand: () => {}, internal_send_command: () => {}, duplicate: () => {} }, 'redis'],
  'ioredis 4': [{ ...ioredis, _addedScriptHashes: {}, options: {} }, 'ioredis'],
  'ioredis 4.0': [{ ...ioredis, options: { dropBufferSupport: false } }, 'ioredis'],
  'a Cluster of ioredis 4': [{ ...ioredis, isCluster: true, _addedScriptHashes: {} }, 'ioredis'],
  'a Cluster of ioredis 4.0': [{ ...ioredis, connectionPool: {} }, 'ioredis'],
}

const storage = (client: unknown, log?: (message: string) => void): RedisStorage =>
  new RedisStorage({ client: client as RedisClientSource, log })

describe('a client that is too old for RedisStorage', () => {
  for (const [name, [client, library]] of Object.entries(OLD)) {
    const shown = library === 'redis' ? 'node-redis' : library
    const words = [`Expected ${shown} 5 or 6 `, `got ${shown} 4 or older`, `npm install ${library}@latest`]

    it(`is refused when the storage is made: ${name}`, () => {
      refused(() => storage(client), TypeError, ...words)
    })

    it(`is named in the error when a function has returned it: ${name}`, async () => {
      const logged: string[] = []
      let closed = 0
      // A client of ioredis that connects by itself says so in Node's next tick.
      const opening = {
        status: 'connecting',
        on: (event: string, listener: () => void) => event === 'connecting' && process.nextTick(listener),
        off: () => {},
        disconnect: () => void closed++,
      }
      const source = (): object => ({ ...client, ...(library === 'ioredis' && opening) })
      const own = storage(source, (message) => logged.push(message))
      await assert.rejects(
        own.settle('payments', settle(sender('me'), 'n', 0, 'cancel')),
        (error: unknown) => {
          assert.ok(isStorageUnavailableError(error) && error.cause instanceof TypeError)
          for (const word of words) assert.ok(error.message.includes(word), error.message)
          return true
        },
      )
      assert.equal(logged.length, 1)
      await nextTurn()
      assert.equal(closed, library === 'ioredis' ? 2 : 0)
      await own[Symbol.asyncDispose]()
    })
  }
})

describe('RedisStorage takes', () => {
  const url = 'redis://127.0.0.1:1'
  const lazy = { lazyConnect: true }
  const node = { host: '127.0.0.1', port: 1 }
  const clients: Readonly<Record<string, () => object>> = {
    'node-redis 6': () => NodeRedis.createClient({ url }),
    'node-redis 5': () => NodeRedis5.createClient({ url }),
    'a Cluster of node-redis 6': () => NodeRedis.createCluster({ rootNodes: [{ url }] }),
    'a Cluster of node-redis 5': () => NodeRedis5.createCluster({ rootNodes: [{ url }] }),
    'ioredis 6': () => new Ioredis.Redis(url, lazy),
    'ioredis 5, with an option of 4 that it no longer has': () =>
      new Ioredis5.Redis(url, { ...lazy, dropBufferSupport: true } as object),
    'a Cluster of ioredis 6': () => new Ioredis.Cluster([node], lazy),
    'a Cluster of ioredis 5': () => new Ioredis5.Cluster([node], lazy),
    iovalkey: () => new Iovalkey.Redis(url, lazy),
    'what works like node-redis': () => ({ ...nodeRedis, destroy: () => {} }),
    'what works like node-redis, without a rarely used method': () => nodeRedis,
    'what works like ioredis': () => ioredis,
  }
  for (const [name, make] of Object.entries(clients)) {
    it(name, () => {
      const client = make() as RedisClientLike
      assert.equal(storage(client).state, 'connecting')
    })
  }
})

describe('F27b: a function that does not always return a client', () => {
  const settles = async (own: RedisStorage): Promise<void> => {
    await assert.rejects(
      own.settle('payments', settle(sender('me'), 'n', 0, 'cancel')),
      isStorageUnavailableError,
    )
    await nextTurn()
    await own[Symbol.asyncDispose]()
  }

  it('F27b: leaves no connection behind when it throws the second time', async () => {
    let calls = 0
    let closed = 0
    const opening = {
      ...ioredis,
      isCluster: false,
      status: 'connecting',
      on: (event: string, listener: () => void) => event === 'connecting' && process.nextTick(listener),
      off: () => {},
      disconnect: () => void closed++,
    }
    const source = (): object => {
      if (++calls > 1) throw new Error('the pool is empty')
      return opening
    }
    await settles(storage(source, () => {}))
    assert.equal(closed, 1)
  })

  it('F27b: may even be asynchronous and reject, which does not end the process', async () => {
    const logged: string[] = []
    await settles(
      storage(
        () => Promise.reject(new Error('no secret')),
        (line) => void logged.push(line),
      ),
    )
    assert.equal(logged.length, 1)
    assert.match(logged[0]!, /Expected `client\(\)` to be a client of node-redis, ioredis or iovalkey/)
  })
})
