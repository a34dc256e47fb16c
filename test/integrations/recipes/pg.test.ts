import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Pool, PoolClient, QueryResult } from 'pg'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { errorOf } from '../support/breakers.ts'
import { createPostgres, noPostgres, type PostgresServer } from './postgres-server.ts'
import { loadRecipe } from './recipe.ts'
import { noPlaceIsLost } from './storm.ts'

interface Recipe {
  readonly database: CircuitBreaker
  readonly pool: Pool
  readonly query: (text: string, values?: unknown[]) => Promise<QueryResult<Record<string, unknown>>>
  readonly connect: () => Promise<PoolClient>
}

describe('the recipe for PostgreSQL', { skip: process.env['CI'] ? false : noPostgres }, () => {
  let server: PostgresServer
  let recipe: Recipe
  let breaker: CircuitBreaker

  before(async () => {
    server = await createPostgres()
    await server.start()
    // What pg reads where a pool is not told.
    const host = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'test', PGDATABASE: 'postgres' }
    Object.assign(process.env, host)
    recipe = await loadRecipe<Recipe>('pg')
    breaker = recipe.database
  })
  after(async () => {
    await recipe.pool.end()
    await server.remove()
  })
  beforeEach(() => void breaker.close())

  const fail = (sqlState: string): Promise<unknown> =>
    recipe.query(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlState}'; END $$`)

  it('gives what the database answers', async () => {
    const { rows } = await recipe.query('SELECT $1::int AS answer', [42])
    assert.deepEqual(rows, [{ answer: 42 }])
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('counts what says that the database is unwell, and no mistake of a query', async () => {
    for (const sqlState of ['53300', '57P03', '58030', 'XX000', '08006']) {
      assert.equal((await errorOf(fail(sqlState))).code, sqlState)
      assert.equal(breaker.failCounter, 1, sqlState)
      breaker.close()
    }
    for (const sqlState of ['23505', '40P01', '42601', '22012', 'P0001']) {
      assert.equal((await errorOf(fail(sqlState))).code, sqlState)
      assert.equal(breaker.failCounter, 0, sqlState)
    }
    assert.equal((await errorOf(recipe.query('SELEC 1'))).code, '42601')
    assert.equal((await errorOf(recipe.query('SELECT $1::int + $2::int', [1]))).code, '08P01')
    assert.equal(breaker.failCounter, 0)
  })

  it('counts a statement that times out, and ignores one that is cancelled', async () => {
    const before = breaker.snapshot().ignored
    await errorOf(recipe.query(`SET statement_timeout = 20; SELECT pg_sleep(5)`))
    assert.equal(breaker.failCounter, 1)
    const client = await recipe.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const sleep = errorOf(breaker.call(() => client.query('SELECT pg_sleep(5)')))
    await recipe.query('SELECT pg_sleep(0.05), pg_cancel_backend($1)', [rows[0]!.pid])
    assert.equal((await sleep).code, '57014')
    client.release()
    assert.equal(breaker.snapshot().ignored - before, 1)
  })

  it('gives every permit back', () =>
    noPlaceIsLost(breaker, async ({ request, streams, after: patience }) => {
      const failing: Record<string, string> = { 5: '57P01', 13: 'XX000', 14: '23505' }
      if (streams) {
        const client = await recipe.connect().catch(() => undefined)
        await client?.query(`SELECT pg_sleep(${patience / 1_000})`)
        client?.release()
      } else if (request === 'hang') {
        await recipe.query(`SELECT pg_sleep(${patience / 1_000})`).catch(() => {})
      } else if (request === 'Hello') await recipe.query('SELECT 1').catch(() => {})
      else await fail(failing[request] ?? 'P0001').catch(() => {})
    }))

  it('opens when the server is gone, and closes when it is back', async () => {
    await server.stop()
    for (let call = 0; call < 5; call++) await errorOf(recipe.query('SELECT 1'))
    assert.equal(breaker.state, 'open')
    assert.ok(isCircuitBreakerError(await errorOf(recipe.query('SELECT 1'))))
    assert.ok(isCircuitBreakerError(await errorOf(recipe.connect())))
    await server.start()
    breaker.halfOpen()
    const client = await recipe.connect()
    client.release()
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
