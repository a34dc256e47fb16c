import assert from 'node:assert/strict'
import type { Document, MongoClient } from 'mongodb'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCallTimeoutError, isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { errorOf, judged } from '../support/breakers.ts'
import { startMongo, type MongoServer } from './mongodb-server.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

interface Recipe {
  readonly database: CircuitBreaker
  readonly clientFor: (url: string) => MongoClient
  readonly findAll: (
    client: MongoClient,
    collection: string,
    filter: Document,
    caller?: AbortSignal,
  ) => Promise<Document[]>
  readonly findEach: (client: MongoClient, collection: string, filter: Document) => AsyncGenerator<Document>
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
  client = recipe.clientFor(`${server.url}&minHeartbeatFrequencyMS=10`) // rediscovers a lost server quickly
})
after(async () => {
  await client.close()
  await server.close()
})
beforeEach(() => void breaker.close())

const FAILED = '0 succeeded, 1 failed, 0 ignored, 0 rejected'
const IGNORED = '0 succeeded, 0 failed, 1 ignored, 0 rejected'
const find = (): Promise<Document[]> => recipe.findAll(client, 'users', {})

describe('the recipe for MongoDB', () => {
  it('returns the answer of the database', async () => {
    const firstBatch = [{ name: 'Ada' }]
    server.answer = (command) =>
      command === 'find' ? { ok: 1, cursor: { id: 0n, ns: 'test.users', firstBatch } } : { ok: 1, n: 1 }
    assert.deepEqual(await find(), firstBatch)
    await recipe.insert(client, 'users', { name: 'Grace' })
    assert.equal(breaker.snapshot().counts.successes, 2)
  })

  it('counts errors that mean an unhealthy database, and no mistake in a query', async () => {
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

  it('returns every permit', () => {
    server.answer = (_command, { filter, documents }) => {
      const [given] = (documents as { fate: string }[] | undefined) ?? [filter as { fate: string }]
      if (given?.fate === '13') return 'close'
      if (given?.fate === '5') return { ok: 0, code: 11600, errmsg: 'interrupted at shutdown' }
      if (given?.fate === '14') return { ok: 0, code: 2, errmsg: 'bad value' }
      return { ok: 1, n: 1, cursor: { id: 0n, ns: 'test.users', firstBatch: [] } }
    }
    return assertNoPermitIsLost(breaker, async ({ request: fate, streams, caller }) => {
      const { findAll, insert } = recipe
      // An argument that the driver rejects by itself, at once.
      const filter = caller === 'cancels' ? (5 as never) : { fate }
      await (streams ? findAll(client, 'users', filter) : insert(client, 'users', { fate })).catch(() => {})
    })
  })

  it('ignores what the driver rejects by itself, and passes on the original error of what throws at once', async () => {
    assert.equal(await judged(breaker, () => errorOf(recipe.findAll(client, 'users', 5 as never))), IGNORED)
    const mistake = new Error('no document')
    const toBSON = (): never => {
      throw mistake
    }
    server.answer = () => assert.fail('it was asked')
    const throws = async (): Promise<unknown> =>
      assert.equal(await errorOf(recipe.insert(client, 'users', { field: { toBSON } })), mistake)
    assert.equal(await judged(breaker, throws), FAILED)
  })

  it('ignores a caller that aborts while the server is working', async () => {
    const controller = new AbortController()
    server.answer = () => {
      controller.abort(new Error('enough'))
      return 'none'
    }
    const aborts = async (): Promise<unknown> =>
      assert.equal(
        await errorOf(recipe.findAll(client, 'users', {}, controller.signal)),
        controller.signal.reason,
      )
    assert.equal(await judged(breaker, aborts), IGNORED)
  })

  it('counts a timeout of the driver, and callTimeout', async () => {
    server.answer = () => 'none'
    const hasty = recipe.clientFor(`${server.url}&socketTimeoutMS=100`)
    const waits = async (): Promise<unknown> =>
      assert.equal((await errorOf(recipe.findAll(hasty, 'users', {}))).name, 'MongoNetworkTimeoutError')
    assert.equal(await judged(breaker, waits), FAILED)
    await hasty.close()
    breaker.configure({ callTimeout: 30 })
    const limited = async (): Promise<void> => assert.ok(isCallTimeoutError(await errorOf(find())))
    assert.equal(await judged(breaker, limited), FAILED)
    breaker.configure({ callTimeout: Infinity })
  })

  it('settles a cursor at its end', async () => {
    let next: 'close' | Document = 'close'
    server.answer = (command) =>
      command === 'find'
        ? { ok: 1, cursor: { id: 7n, ns: 'test.users', firstBatch: [{ name: 'Ada' }] } }
        : command === 'getMore'
          ? next
          : { ok: 1 }
    const each = async (): Promise<unknown[]> => {
      const seen: unknown[] = []
      for await (const { name } of recipe.findEach(client, 'users', {})) {
        seen.push(name)
        assert.equal(breaker.snapshot().inFlight, 1)
      }
      return seen
    }
    assert.equal(await judged(breaker, () => errorOf(find())), FAILED)
    assert.equal(await judged(breaker, () => errorOf(each())), FAILED)
    next = { ok: 1, cursor: { id: 0n, ns: 'test.users', nextBatch: [{ name: 'Grace' }] } }
    const readAll = async (): Promise<unknown> => assert.deepEqual(await each(), ['Ada', 'Grace'])
    assert.equal(await judged(breaker, readAll), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    const leaves = async (): Promise<void> => {
      for await (const document of recipe.findEach(client, 'users', {})) {
        assert.equal(document['name'], 'Ada')
        break
      }
    }
    assert.equal(await judged(breaker, leaves), IGNORED)
    breaker.open()
    const error = await errorOf(each())
    assert.ok(isCircuitBreakerError(error))
  })

  it('closes after a probe', async () => {
    server.answer = () => ({ ok: 1, cursor: { id: 0n, ns: 'test.users', firstBatch: [] } })
    breaker.halfOpen()
    await find()
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
