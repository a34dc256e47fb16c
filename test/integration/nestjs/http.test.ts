import {
  Controller,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Scope,
  type ArgumentsHost,
  type INestApplication,
} from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core'
import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreakerExceptionFilter,
  CircuitBreakerModule,
  InjectCircuitBreaker,
  Protect,
} from '../../../src/integrations/nestjs/index.ts'
import {
  CircuitBreakerError,
  CircuitBreakerRegistry,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { until } from '../../helpers/until.ts'
import { countsOf, delay, inFlight, settled } from '../support/breakers.ts'
import { type AnyClass, closeApps, listen, major, named, onMethod, onParameters } from './nest.ts'

describe(`Nest ${major}`, () => {
  closeApps()

  describe('over HTTP', () => {
    interface Asked {
      readonly url: string
    }

    /** A request-scoped controller, which has the request. Depending on the path, `price` fails, is slow or answers. */
    function makeController(): AnyClass {
      class Prices {
        readonly request: Asked | undefined
        constructor(request: Asked) {
          this.request = request
        }
        async price(): Promise<string> {
          await delay(1)
          const url = this.request!.url
          if (url.includes('throw')) throw new Error('down')
          if (url.includes('absent')) throw new NotFoundException()
          if (url.includes('slow')) await delay(30)
          return url
        }
        other(): string {
          throw new Error('unrelated')
        }
      }
      Controller({ path: 'prices', scope: Scope.REQUEST })(Prices)
      onParameters(Prices, Inject('REQUEST'))
      // Outside the other decorators of Nest, whose metadata is stored on the method.
      onMethod(Prices, 'price', Protect('prices'), HttpCode(202), Get('price/:what'))
      onMethod(Prices, 'other', Get('other'))
      return Prices
    }

    async function serve(
      breaker: CircuitBreakerOptions = {},
    ): Promise<{ app: INestApplication; origin: string; prices: CircuitBreaker }> {
      const { app, origin } = await listen({
        imports: [CircuitBreakerModule.forRoot({ breaker }), CircuitBreakerModule.forFeature(['prices'])],
        controllers: [makeController()],
        providers: [{ provide: APP_FILTER, useClass: CircuitBreakerExceptionFilter }],
      })
      return { app, origin, prices: named(app, 'prices') }
    }

    it('`this` is the instance of the request', async () => {
      const { origin, prices } = await serve()
      const texts = await Promise.all(
        [1, 2, 3].map(async (i) => {
          const response = await fetch(`${origin}/prices/price/${i}`)
          assert.equal(response.status, 202)
          return response.text()
        }),
      )
      assert.deepEqual(texts, ['/prices/price/1', '/prices/price/2', '/prices/price/3'])
      assert.equal(prices.snapshot().counts.successes, 3)
    })

    it('an open circuit answers 503 with Retry-After, other errors are unaffected', async () => {
      const { origin, prices } = await serve({ failMax: 1, timeoutDuration: 4_500, clock: new ManualClock() })
      assert.equal((await fetch(`${origin}/prices/price/absent`)).status, 404)
      assert.equal((await fetch(`${origin}/prices/price/throw`)).status, 500)
      assert.equal((await fetch(`${origin}/prices/other`)).status, 500)
      const rejected = await fetch(`${origin}/prices/price/1`)
      assert.deepEqual([rejected.status, rejected.headers.get('retry-after')], [503, '5'])
      assert.deepEqual(await rejected.json(), {
        statusCode: 503,
        code: 'CIRCUIT_OPEN',
        error: 'Service Unavailable',
        message: 'Temporarily unavailable, try again later',
      })
      prices.isolate()
      const isolated = await fetch(`${origin}/prices/price/1`)
      assert.deepEqual([isolated.status, isolated.headers.get('retry-after')], [503, null])
    })

    it('the filter rethrows outside HTTP, and ends an answer that has started', async () => {
      const { app } = await serve()
      const filter = new CircuitBreakerExceptionFilter(app.get(HttpAdapterHost))
      const error = new CircuitBreakerError({ breaker: 'x', reason: 'open', retryAfter: 10 })
      assert.throws(
        () => filter.catch(error, { getType: () => 'rpc' } as unknown as ArgumentsHost),
        (thrown) => thrown === error,
      )
      let ended = false
      const response = { headersSent: true, end: () => (ended = true) }
      const switchToHttp = (): object => ({ getResponse: () => response })
      filter.catch(error, { getType: () => 'http', switchToHttp } as unknown as ArgumentsHost)
      assert.ok(ended)
    })

    describe('a client that leaves', () => {
      /** Serves handlers that end when `answer` is called; `leave` requests one and disconnects once it runs. */
      async function serveSlowly(): Promise<{
        prices: CircuitBreaker
        registry: CircuitBreakerRegistry
        answer: (error?: Error) => void
        leave: (path: string) => Promise<void>
      }> {
        let answer: (error?: Error) => void = () => {}
        const work = (): Promise<string> =>
          new Promise((resolve, reject) => {
            answer = (error) => (error ? reject(error) : resolve('twelve'))
          })
        interface Connection {
          readonly socket: { once(event: 'close', listener: () => void): void }
        }
        class Prices {
          readonly request: Connection
          readonly breaker: CircuitBreaker
          constructor(request: Connection, breaker: CircuitBreaker) {
            this.request = request
            this.breaker = breaker
          }
          price(): Promise<string> {
            return work()
          }
          own(): Promise<string> {
            const controller = new AbortController()
            this.request.socket.once('close', () => controller.abort())
            return this.breaker.run(work, { signal: controller.signal })
          }
        }
        Controller({ path: 'prices', scope: Scope.REQUEST })(Prices)
        onParameters(Prices, Inject('REQUEST'), InjectCircuitBreaker('prices'))
        onMethod(Prices, 'price', Protect('prices'), Get('price'))
        onMethod(Prices, 'own', Get('own'))
        const { app, origin } = await listen({
          imports: [CircuitBreakerModule.forRoot(), CircuitBreakerModule.forFeature(['prices'])],
          controllers: [Prices],
        })
        const prices = named(app, 'prices')
        const leave = async (path: string): Promise<void> => {
          const controller = new AbortController()
          const left = assert.rejects(fetch(`${origin}/prices/${path}`, { signal: controller.signal }))
          await until(() => prices.snapshot().inFlight === 1, 'the handler runs')
          controller.abort()
          await left
        }
        return {
          prices,
          registry: app.get(CircuitBreakerRegistry),
          answer: (error) => answer(error),
          leave,
        }
      }

      it('does not end a protected method, which settles when it ends, also as a probe', async () => {
        const { prices, registry, answer, leave } = await serveSlowly()
        await leave('price')
        assert.equal(inFlight(registry), 1)
        answer()
        await settled(registry)
        await leave('price')
        answer(new Error('down'))
        await settled(registry)
        assert.equal(countsOf(prices), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
        prices.halfOpen()
        await leave('price')
        answer()
        await settled(registry)
        assert.equal(prices.state, 'closed')
      })

      it('is ignored by `run` with a signal of the request', async () => {
        const { prices, registry, leave } = await serveSlowly()
        await leave('own')
        await settled(registry)
        assert.equal(countsOf(prices), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
      })
    })

    it('nothing is in flight after any requests, faults and clients that leave', async () => {
      const { app, origin, prices } = await serve({ failMax: 3, callTimeout: 20 })
      const request = fc.record({
        what: fc.constantFrom('fine', 'throw', 'absent', 'slow'),
        leaveAfter: fc.option(fc.integer({ min: 0, max: 30 }), { nil: undefined }),
        wait: fc.integer({ min: 0, max: 8 }),
      })
      const act = fc.oneof(
        { arbitrary: request, weight: 8 },
        { arbitrary: fc.constantFrom('halfOpen', 'close', 'open', 'isolate'), weight: 1 },
      )
      await fc.assert(
        fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 12 }), async (acts) => {
          prices.close()
          const requests: Promise<unknown>[] = []
          for (const each of acts) {
            if (typeof each === 'string') prices[each as 'close']()
            else {
              const signal = each.leaveAfter === undefined ? null : AbortSignal.timeout(each.leaveAfter)
              const ask = async (): Promise<unknown> =>
                (await fetch(`${origin}/prices/price/${each.what}`, { signal })).text()
              requests.push(ask().catch(() => {}))
              await delay(each.wait)
            }
          }
          await Promise.all(requests)
          await settled(app.get(CircuitBreakerRegistry))
          assert.equal(inFlight(app.get(CircuitBreakerRegistry)), 0)
        }),
        { numRuns: 15, endOnFailure: true },
      )
    })
  })
})
