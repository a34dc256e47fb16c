import assert from 'node:assert/strict'
import process from 'node:process'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Pool, PoolClient, QueryResult } from 'pg'
import { isCallTimeoutError, isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { delay, errorOf, judged } from '../support/breakers.ts'
import { createPostgres, noPostgres, type PostgresServer } from './postgres-server.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

interface Recipe {
  readonly database: CircuitBreaker
  readonly pool: Pool
  readonly query: (
    text: string,
    values?: unknown[],
    signal?: AbortSignal,
  ) => Promise<QueryResult<Record<string, unknown>>>
  readonly connect: () => Promise<PoolClient>
}

describe('the recipe for PostgreSQL', { skip: process.env['CI'] ? false : noPostgres }, () => {
  let server: PostgresServer
  let recipe: Recipe
  let breaker: CircuitBreaker

  before(async () => {
    server = await createPostgres()
    await server.start()
    // The settings that pg reads when the pool has none.
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

  const FAILED = '0 succeeded, 1 failed, 0 ignored, 0 rejected'
  const SLEEP = 'SELECT pg_sleep(30)'
  /** Waits until a session runs this query, then cancels or terminates it. */
  async function interrupt(act: 'pg_cancel_backend' | 'pg_terminate_backend', query: string): Promise<void> {
    const sessions = `SELECT ${act}(pid) FROM pg_stat_activity WHERE state = 'active' AND query = $1`
    while ((await recipe.pool.query(sessions, [query])).rowCount === 0) await delay(5)
  }

  it('returns the answer of the database', async () => {
    const { rows } = await recipe.query('SELECT $1::int AS answer', [42])
    assert.deepEqual(rows, [{ answer: 42 }])
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('counts errors that mean an unhealthy database, and no mistake in a query', async () => {
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
    const timesOut = (): Promise<unknown> =>
      errorOf(recipe.query('SET statement_timeout = 20; SELECT pg_sleep(30)'))
    assert.equal(await judged(breaker, timesOut), FAILED)
    const cancelled = async (): Promise<void> => {
      const sleep = errorOf(recipe.query(SLEEP))
      await interrupt('pg_cancel_backend', SLEEP)
      assert.equal((await sleep).code, '57014')
    }
    assert.equal(await judged(breaker, cancelled), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
  })

  it('ignores a caller that aborts; the query continues', async () => {
    const controller = new AbortController()
    const aborts = async (): Promise<void> => {
      const sleep = errorOf(recipe.query(SLEEP, [], controller.signal))
      controller.abort(new Error('enough'))
      assert.equal(await sleep, controller.signal.reason)
    }
    assert.equal(await judged(breaker, aborts), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    await interrupt('pg_cancel_backend', SLEEP)
    assert.equal(breaker.failCounter, 0)
  })

  it('counts the timeouts of the pool, and callTimeout', async () => {
    const { pool, query } = recipe
    const slow = async (): Promise<void> => {
      const error = await errorOf(query({ text: SLEEP, query_timeout: 30 } as never))
      assert.match(error.message, /Query read timeout/)
    }
    assert.equal(await judged(breaker, slow), FAILED)
    await interrupt('pg_terminate_backend', SLEEP)

    const { connectionTimeoutMillis } = pool.options
    const taken = await Promise.all(Array.from({ length: pool.options.max }, () => pool.connect()))
    pool.options.connectionTimeoutMillis = 30
    const full = async (): Promise<void> => {
      assert.match((await errorOf(query('SELECT 1'))).message, /timeout exceeded when trying to connect/)
    }
    assert.equal(await judged(breaker, full), FAILED)
    pool.options.connectionTimeoutMillis = connectionTimeoutMillis
    for (const client of taken) client.release()

    breaker.configure({ callTimeout: 30 })
    const limited = async (): Promise<void> => assert.ok(isCallTimeoutError(await errorOf(query(SLEEP))))
    assert.equal(await judged(breaker, limited), FAILED)
    breaker.configure({ callTimeout: Infinity })
    await interrupt('pg_cancel_backend', SLEEP)
  })

  it('counts a result that breaks off', async () => {
    const rows = `SELECT repeat('x', 10000), pg_sleep(0.01) FROM generate_series(1, 3000)`
    const breaksOff = async (): Promise<void> => {
      const result = errorOf(recipe.query(rows))
      await interrupt('pg_terminate_backend', rows)
      assert.equal((await result).code, '57P01')
    }
    assert.equal(await judged(breaker, breaksOff), FAILED)
  })

  it('passes on the original error of a value that pg cannot serialize', async () => {
    const mistake = new Error('no text')
    const toPostgres = (): never => {
      throw mistake
    }
    const throws = async (): Promise<unknown> =>
      assert.equal(await errorOf(recipe.query('SELECT $1::text', [{ toPostgres }])), mistake)
    assert.equal(await judged(breaker, throws), FAILED)
  })

  it('returns every permit', () =>
    assertNoPermitIsLost(breaker, async ({ request, streams, after: patience }) => {
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

  it('opens when the server is down, and closes when it is back', async () => {
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
