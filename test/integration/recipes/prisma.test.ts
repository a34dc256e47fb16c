import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { isCallTimeoutError, isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { delay, errorOf, judged } from '../support/breakers.ts'
import { createPostgres, noPostgres, type PostgresServer } from './postgres-server.ts'
import { createClient, TABLE, type Client } from './prisma-client.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

interface Recipe {
  readonly database: CircuitBreaker
  readonly breakerExtension: object
}

// Fails the insertion of an email of five letters with that SQLSTATE.
const TRIGGER = `
  CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN
    IF new.email = 'slow@example.com' THEN PERFORM pg_sleep(5); END IF;
    IF length(new.email) = 5 THEN RAISE EXCEPTION 'no' USING ERRCODE = new.email; END IF;
    RETURN new;
  END $$ LANGUAGE plpgsql;
  CREATE TRIGGER refuse BEFORE INSERT ON "User" FOR EACH ROW EXECUTE FUNCTION refuse()`

describe('the recipe for Prisma', { skip: process.env['CI'] ? false : noPostgres }, () => {
  let server: PostgresServer
  /** A client without the recipe's extension, and one with it. */
  let plain: Client
  let client: Client
  let recipe: Recipe
  let breaker: CircuitBreaker

  before(async () => {
    server = await createPostgres()
    await server.start()
    recipe = await loadRecipe<Recipe>('prisma')
    breaker = recipe.database
    plain = createClient(server.port)
    client = plain.$extends(recipe.breakerExtension)
    for (const statement of [TABLE, ...TRIGGER.split(/;\n {2}(?=CREATE)/)])
      await plain.$executeRawUnsafe(statement)
  })
  after(async () => {
    await plain.$disconnect()
    await server.remove()
  })
  beforeEach(() => void breaker.close())

  const create = (email: string): Promise<unknown> => client.user.create({ data: { email } })
  const raise = (sqlState: string): Promise<unknown> =>
    client.$queryRawUnsafe(`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '${sqlState}'; END $$`)

  it('returns the answer of the database, for raw queries too', async () => {
    await create('ada@example.com')
    const users = await client.user.findMany()
    assert.deepEqual(users, [{ id: 1, email: 'ada@example.com' }])
    assert.deepEqual(await client.$queryRawUnsafe('SELECT $1::int AS answer', 42), [{ answer: 42 }])
    assert.equal(breaker.snapshot().counts.successes, 3)
  })

  it('counts errors that mean an unhealthy database, in queries and in raw ones', async () => {
    for (const ask of [create, raise]) {
      for (const sqlState of ['53300', '57P01', '58030', 'XX000', '08006', '57014']) {
        await errorOf(ask(sqlState))
        assert.equal(breaker.failCounter, 1, sqlState)
        breaker.close()
      }
    }
  })

  it('counts no mistake in a query', async () => {
    const before = breaker.snapshot().ignored
    const mistakes = [
      () => create('ada@example.com'),
      () => create('P0001'),
      () => create('40P01'),
      () => raise('23514'),
      () => client.user.findFirstOrThrow({ where: { email: 'nobody@example.com' } }),
      () => client.$queryRawUnsafe('SELEC'),
      () => client.$queryRawUnsafe('SELECT $1::int + $2::int', 1),
    ]
    for (const mistake of mistakes) assert.match((await errorOf(mistake())).name, /^PrismaClientKnown/)
    assert.equal(breaker.snapshot().counts.successes, mistakes.length)
    assert.equal((await errorOf(client.user.findMany({ nobody: 1 }))).name, 'PrismaClientValidationError')
    assert.equal(breaker.snapshot().ignored - before, 1)
    assert.equal(breaker.failCounter, 0)
  })

  it('counts a session that is terminated during a query, and a query that takes too long', async () => {
    const slow = errorOf(create('slow@example.com'))
    let ended = 0
    while (ended === 0) {
      await delay(10)
      const sessions = await plain.$queryRawUnsafe(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'INSERT%' AND state = 'active'`,
      )
      ended = (sessions as unknown[]).length
    }
    await slow
    assert.equal(breaker.failCounter, 1)
    breaker.configure({ callTimeout: 30 })
    assert.ok(isCallTimeoutError(await errorOf(create('slow@example.com'))))
    breaker.configure({ callTimeout: Infinity })
    assert.equal(breaker.failCounter, 2)
    assert.equal(breaker.snapshot().inFlight, 0)
    const hasty = createClient(server.port, { query_timeout: 30 })
    const asked = hasty.$extends(recipe.breakerExtension).user.create({ data: { email: 'slow@example.com' } })
    await errorOf(asked)
    assert.equal(breaker.failCounter, 3)
    await hasty.$disconnect()
  })

  it('settles an operation when it ends, though its caller has left', async () => {
    const leaves = async (): Promise<void> => {
      const operation = client.$queryRawUnsafe('SELECT 1 FROM pg_sleep(0.05)')
      await Promise.race([operation, delay(0)])
      assert.equal(breaker.snapshot().inFlight, 1)
      await operation
    }
    assert.equal(await judged(breaker, leaves), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('passes on the original error of an extension that throws at once', async () => {
    const mistake = new Error('at once')
    const $allOperations = (): never => {
      throw mistake
    }
    const throwing = client.$extends({ query: { $allOperations } })
    const throws = async (): Promise<unknown> =>
      assert.equal(await errorOf(throwing.user.findMany()), mistake)
    assert.equal(await judged(breaker, throws), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
  })

  it('counts each query of a transaction as a call, which a rejection rolls back', async () => {
    const error = await errorOf(
      client.$transaction(async (tx) => {
        await tx.user.create({ data: { email: 'grace@example.com' } })
        breaker.open()
        await tx.user.findMany()
      }),
    )
    assert.ok(isCircuitBreakerError(error))
    const users = await plain.user.findMany({ where: { email: 'grace@example.com' } })
    assert.deepEqual(users, [])
  })

  it('returns every permit', () =>
    assertNoPermitIsLost(breaker, async ({ request, caller, after: patience }) => {
      if (request === 'hang') {
        const seconds = caller === 'waits' ? 0 : patience / 1_000
        await client.$queryRawUnsafe(`SELECT 1 FROM pg_sleep(${seconds})`).catch(() => {})
      } else if (request === 'Hello') await client.user.findMany().catch(() => {})
      else await raise({ 5: '57P01', 13: 'XX000' }[request] ?? '23505').catch(() => {})
    }))

  it('opens when the server is down, whatever the query, and closes when it is back', async () => {
    await server.stop()
    const ask = [() => client.user.findMany(), () => client.$queryRawUnsafe('SELECT 1')]
    for (let call = 0; call < 5; call++) await errorOf(ask[call % 2]!())
    assert.equal(breaker.state, 'open')
    for (const each of ask) assert.ok(isCircuitBreakerError(await errorOf(each())))
    await server.start()
    breaker.halfOpen()
    assert.equal((await client.user.findFirstOrThrow({ where: { email: 'ada@example.com' } })).id, 1)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
