import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, beforeEach, describe, it } from 'node:test'
import type { Redis, RedisOptions } from 'ioredis'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../src/index.ts'
import { startRedis, type RedisServer, withoutRedis } from '../../system/faults/support/redis-server.ts'
import { delay, errorOf, judged } from '../support/breakers.ts'
import { loadRecipe } from './recipe.ts'
import { assertNoPermitIsLost } from './storm.ts'

interface Recipe {
  readonly cache: CircuitBreaker
  readonly GuardedRedis: new (url: string, options: RedisOptions) => Redis
}

for (const version of ['ioredis', 'ioredis-5']) {
  describe(`the recipe for Redis with ${version}`, { skip: withoutRedis() }, () => {
    let server: RedisServer
    let redis: Redis
    let recipe: Recipe
    let breaker: CircuitBreaker

    before(async () => {
      server = await startRedis()
      const instead = version === 'ioredis' ? {} : { ioredis: `node_modules/${version}/built/index.js` }
      recipe = await loadRecipe<Recipe>('redis', instead)
      breaker = recipe.cache
      redis = new recipe.GuardedRedis(server.url, {
        maxRetriesPerRequest: 1,
        commandTimeout: 500,
        retryStrategy: () => 20,
      })
      redis.on('error', () => {})
      await redis.ping()
    })
    after(async () => {
      redis.disconnect()
      await server.stop()
    })
    beforeEach(() => void breaker.close())

    it('returns the answer of Redis, and counts each command once', async () => {
      await redis.set('a', '1')
      assert.equal(await redis.get('a'), '1')
      assert.equal(await redis.getBuffer('a').then(String), '1')
      assert.equal(breaker.snapshot().counts.successes, 3)
      const seen: unknown[] = []
      await redis.get('a', (error, value) => seen.push(error, value))
      assert.deepEqual(seen, [null, '1'])
    })

    it('counts errors that mean an unhealthy Redis, and no mistake in a command', async () => {
      await redis.set('a', 'text')
      assert.match((await errorOf(redis.incr('a'))).message, /not an integer/)
      assert.match((await errorOf(redis.lpush('a', '1'))).message, /WRONGTYPE/)
      assert.equal(breaker.failCounter, 0)
      await errorOf(redis.eval(`return redis.error_reply('LOADING of the dataset')`, 0))
      assert.equal(breaker.failCounter, 1)
    })

    it('does not guard the commands in pipelines and transactions, which are guarded as a whole', async () => {
      breaker.isolate()
      const results = await redis.pipeline().set('a', '1').get('a').exec()
      assert.deepEqual(results, [
        [null, 'OK'],
        [null, '1'],
      ])
      assert.deepEqual(await redis.multi().get('a').exec(), [[null, '1']])
      assert.ok(isCircuitBreakerError(await errorOf(breaker.call(() => redis.pipeline().get('a').exec()))))
    })

    it('rejects commands while it is open, also with a callback', async () => {
      breaker.open()
      assert.ok(isCircuitBreakerError(await errorOf(redis.get('a'))))
      const error = await new Promise<unknown>((resolve) => void redis.get('a', resolve).catch(() => {}))
      assert.ok(isCircuitBreakerError(error))
    })

    it('gives the permit back when a command throws at once', async () => {
      const throws = (): unknown => assert.throws(() => redis.call(5 as never), TypeError)
      assert.equal(await judged(breaker, throws), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('settles a command by its answer, though its caller has left; what is guarded as a whole can be aborted', async () => {
      const leaves = async (): Promise<void> => {
        const command = redis.blpop('nothing', 0.05)
        await Promise.race([command, delay(0)])
        assert.equal(breaker.snapshot().inFlight, 1)
        await command
      }
      assert.equal(await judged(breaker, leaves), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      const controller = new AbortController()
      const aborts = async (): Promise<void> => {
        const pipeline = () => redis.pipeline().blpop('nothing', 0.05).exec()
        const result = errorOf(breaker.run(pipeline, { signal: controller.signal }))
        controller.abort(new Error('enough'))
        assert.equal(await result, controller.signal.reason)
      }
      assert.equal(await judged(breaker, aborts), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    })

    it('counts a commandTimeout', async () => {
      const hasty = new recipe.GuardedRedis(server.url, {})
      await once(hasty, 'ready')
      hasty.options.commandTimeout = 30
      const waits = async (): Promise<unknown> =>
        assert.match((await errorOf(hasty.blpop('nothing', 5))).message, /timed out/)
      assert.equal(await judged(breaker, waits), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      hasty.disconnect()
    })

    it('counts each command of a scanStream as a call, and a failed or rejected one ends the stream', async () => {
      const other = new recipe.GuardedRedis(server.url, { retryStrategy: () => null })
      await other.mset(Array.from({ length: 200 }, (_, i) => [`key ${i}`, 'x']).flat())
      const scan = async (afterFirst: () => void): Promise<unknown> => {
        for await (const keys of other.scanStream({ count: 5 })) {
          assert.ok(Array.isArray(keys))
          afterFirst()
        }
        return assert.fail('it came to an end')
      }
      const rejected = async (): Promise<void> =>
        assert.ok(isCircuitBreakerError(await errorOf(scan(() => breaker.open()))))
      assert.match(await judged(breaker, rejected), /0 failed, 0 ignored, 1 rejected$/)
      const fails = async (): Promise<void> => {
        const error = await errorOf(scan(() => other.disconnect()))
        assert.match(error.message, /Connection is closed/)
      }
      assert.match(await judged(breaker, fails), / 1 failed, 0 ignored, 0 rejected$/)
    })

    it('returns every permit', () =>
      assertNoPermitIsLost(breaker, async ({ request, caller, after: patience }) => {
        const commands: Record<string, () => Promise<unknown>> = {
          Hello: () => redis.get('a'),
          5: () => redis.incr('a'),
          13: () => redis.eval(`return redis.error_reply('LOADING of the dataset')`, 0),
          14: () => redis.get('b', () => {}),
          hang: () => redis.blpop('nothing', 0.02),
        }
        const answer = commands[request]!().catch(() => {})
        // Ends the commands in flight and reconnects.
        if (caller === 'cancels') setTimeout(() => redis.disconnect(true), patience)
        await answer
      }))

    it('opens when Redis is down, lets the client reconnect, and closes', async () => {
      const port = new URL(server.url).port
      await server.stop()
      for (let call = 0; call < 5; call++) await errorOf(redis.get('a'))
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.snapshot().inFlight, 0)
      server = await startRedis('--port', port)
      server = { ...server, url: `redis://127.0.0.1:${port}` }
      for (let wait = 0; redis.status !== 'ready' && wait < 200; wait++) await delay(10)
      assert.equal(redis.status, 'ready')
      assert.equal(breaker.state, 'open')
      breaker.halfOpen()
      assert.equal(await redis.get('a'), null)
      assert.equal(breaker.state, 'closed')
    })

    it('a command that waits for a connection is one call', async () => {
      const before = breaker.snapshot().counts.successes
      redis.disconnect(true)
      for (let wait = 0; redis.status === 'ready' && wait < 100; wait++) await delay(1)
      const [a, b] = await Promise.all([redis.get('a'), redis.get('b')])
      assert.deepEqual([a, b], [null, null])
      assert.equal(breaker.snapshot().counts.successes - before, 2)
      assert.equal(breaker.snapshot().inFlight, 0)
    })

    it('quits even while it is open', async () => {
      const other = new recipe.GuardedRedis(server.url, {})
      await other.ping()
      breaker.open()
      assert.equal(await other.quit(), 'OK')
    })
  })
}
