import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import * as redis6 from 'redis'
import * as redis5 from 'redis-5'
import { CircuitBreaker, isCallTimeoutError, isCircuitBreakerError } from '../../../src/index.ts'
import { classifyRedisError } from '../../../src/integrations/classify/index.ts'
import { startRedis, type RedisServer, withoutRedis } from '../../system/faults/support/redis-server.ts'
import { errorOf, judged } from '../support/breakers.ts'

// node-redis has no hook, so calls are guarded one by one.
for (const [version, { createClient }] of [
  ['redis 6', redis6],
  ['redis 5', redis5 as unknown as typeof redis6],
] as const) {
  describe(`calls of ${version}`, { skip: withoutRedis() }, () => {
    let server: RedisServer
    let client: redis6.RedisClientType
    const cache = new CircuitBreaker({ classifyError: classifyRedisError })

    async function connect({ url }: RedisServer): Promise<redis6.RedisClientType> {
      const made: redis6.RedisClientType = createClient({ url, disableOfflineQueue: true })
      made.on('error', () => {})
      await made.connect()
      return made
    }

    before(async () => {
      server = await startRedis()
      client = await connect(server)
    })
    after(async () => {
      client.destroy()
      await server.stop()
    })
    beforeEach(() => void cache.close())

    it('are classified by the answer of Redis', async () => {
      const healthy = async (): Promise<void> => {
        await cache.call(() => client.set('a', 'text'))
        assert.equal(await cache.call(() => client.get('a')), 'text')
        assert.match((await errorOf(cache.call(() => client.incr('a')))).message, /not an integer/)
      }
      assert.equal(await judged(cache, healthy), '3 succeeded, 0 failed, 0 ignored, 0 rejected')
      const loading = (): Promise<unknown> =>
        client.eval(`return redis.error_reply('LOADING of the dataset')`)
      const unhealthy = (): Promise<unknown> => errorOf(cache.call(loading))
      assert.equal(await judged(cache, unhealthy), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('give the permit back after a bad argument, an abort and a timeout', async () => {
      const bad = async (): Promise<void> =>
        assert.ok((await errorOf(cache.call(() => client.set('a', {} as never)))) instanceof TypeError)
      assert.equal(await judged(cache, bad), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      const wait = (): Promise<unknown> => client.blPop('nothing', 0.05)
      const controller = new AbortController()
      const aborts = async (): Promise<void> => {
        const answer = errorOf(cache.run(wait, { signal: controller.signal }))
        controller.abort(new Error('enough'))
        assert.equal(await answer, controller.signal.reason)
      }
      assert.equal(await judged(cache, aborts), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
      cache.configure({ callTimeout: 10 })
      const late = async (): Promise<void> => assert.ok(isCallTimeoutError(await errorOf(cache.call(wait))))
      assert.equal(await judged(cache, late), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      cache.configure({ callTimeout: Infinity })
    })

    it('close a half-open circuit, and open it once Redis is down', async () => {
      cache.halfOpen()
      await cache.call(() => client.get('a'))
      assert.equal(cache.state, 'closed')
      const mortal = await startRedis()
      const other = await connect(mortal)
      await mortal.stop()
      // A command sent before the client notices may wait for a new connection forever.
      cache.configure({ callTimeout: 500 })
      for (let call = 0; call < 5; call++) await errorOf(cache.call(() => other.get('a')))
      assert.ok(isCircuitBreakerError(await errorOf(cache.call(() => other.get('a')))))
      assert.equal(cache.snapshot().inFlight, 0)
      cache.configure({ callTimeout: Infinity })
      other.destroy()
    })
  })
}
