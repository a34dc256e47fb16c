import assert from 'node:assert/strict'
import type { Document, MongoClient } from 'mongodb'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { errorOf } from '../support/breakers.ts'
import { startMongo, type MongoServer } from './mongodb-server.ts'
import { loadRecipe } from './recipe.ts'
import { noPlaceIsLost } from './storm.ts'

interface Recipe {
  readonly database: CircuitBreaker
  readonly clientFor: (url: string) => MongoClient
  readonly findAll: (client: MongoClient, collection: string, filter: Document) => Promise<Document[]>
  readonly insert: (client: MongoClient, collection: string, document: Document) => Promise<unknown>
}

let server: MongoServer
let client: MongoClient
let recipe: Recipe
let breaker: CircuitBreaker
before(async () => {
  server = await startMongo()
  recipe = await loadRecipe<Recipe>('mongodb')
  breaker = recipe.database
  client = recipe.clientFor(`${server.url}&minHeartbeatFrequencyMS=10`) // it looks again for a server that was lost
})
after(async () => {
  await client.close()
  await server.close()
})
beforeEach(() => void breaker.close())

const find = (): Promise<Document[]> => recipe.findAll(client, 'users', {})

describe('the recipe for MongoDB', () => {
  it('gives what the database answers', async () => {
    const firstBatch = [{ name: 'Ada' }]
    server.answer = (command) =>
      command === 'find' ? { ok: 1, cursor: { id: 0n, ns: 'test.users', firstBatch } } : { ok: 1, n: 1 }
    assert.deepEqual(await find(), firstBatch)
    await recipe.insert(client, 'users', { name: 'Grace' })
    assert.equal(breaker.snapshot().counts.successes, 2)
  })

  it('counts what says that the database is unwell, and no mistake of a query', async () => {
    server.answer = () => ({ ok: 1, n: 0, writeErrors: [{ index: 0, code: 11000, errmsg: 'duplicate key' }] })
    assert.equal((await errorOf(recipe.insert(client, 'users', {}))).code, 11000)
    server.answer = () => ({ ok: 0, code: 2, codeName: 'BadValue', errmsg: 'unknown operator' })
    assert.equal((await errorOf(find())).code, 2)
    assert.equal(breaker.failCounter, 0)
    server.answer = () => ({
      ok: 0,
      code: 50,
      codeName: 'MaxTimeMSExpired',
      errmsg: 'operation exceeded time limit',
    })
    assert.equal((await errorOf(find())).code, 50)
    server.answer = () => 'close'
    await errorOf(find())
    assert.equal(breaker.failCounter, 2)
  })

  it('opens when no server can be found', async () => {
    const lost = recipe.clientFor('mongodb://127.0.0.1:1/test?serverSelectionTimeoutMS=50')
    breaker.configure({ failMax: 2 })
    for (let call = 0; call < 2; call++) {
      assert.equal((await errorOf(recipe.findAll(lost, 'users', {}))).name, 'MongoServerSelectionError')
    }
    assert.ok(isCircuitBreakerError(await errorOf(recipe.findAll(lost, 'users', {}))))
    await lost.close()
  })

  it('gives every permit back', () => {
    server.answer = (_command, { filter, documents }) => {
      const [given] = (documents as { fate: string }[] | undefined) ?? [filter as { fate: string }]
      if (given?.fate === '13') return 'close'
      if (given?.fate === '5') return { ok: 0, code: 11600, errmsg: 'interrupted at shutdown' }
      if (given?.fate === '14') return { ok: 0, code: 2, errmsg: 'bad value' }
      return { ok: 1, n: 1, cursor: { id: 0n, ns: 'test.users', firstBatch: [] } }
    }
    return noPlaceIsLost(breaker, async ({ request: fate, streams, caller }) => {
      const { findAll, insert } = recipe
      // What the driver refuses by itself, at once.
      const filter = caller === 'cancels' ? (5 as never) : { fate }
      await (streams ? findAll(client, 'users', filter) : insert(client, 'users', { fate })).catch(() => {})
    })
  })

  it('ignores what the driver refuses by itself', async () => {
    const before = breaker.snapshot().ignored
    await errorOf(recipe.findAll(client, 'users', 5 as never))
    assert.equal(breaker.snapshot().ignored - before, 1)
  })

  it('closes after a probe', async () => {
    server.answer = () => ({ ok: 1, cursor: { id: 0n, ns: 'test.users', firstBatch: [] } })
    breaker.halfOpen()
    await find()
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
