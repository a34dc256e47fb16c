import {
  Controller,
  Get,
  HttpCode,
  Inject,
  Injectable,
  Module,
  NotFoundException,
  Scope,
  type ArgumentsHost,
  type FactoryProvider,
  type INestApplication,
  type INestApplicationContext,
  type ModuleMetadata,
  type Type,
} from '@nestjs/common'
import nest from '@nestjs/core/package.json' with { type: 'json' }
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import { HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus'
import { Test } from '@nestjs/testing'
import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import {
  CircuitBreakerExceptionFilter,
  CircuitBreakerHealthIndicator,
  CircuitBreakerModule,
  getCircuitBreakerToken,
  InjectCircuitBreaker,
  Protect,
  type CircuitBreakerModuleAsyncOptions,
} from '../../src/integrations/nestjs/index.ts'
import {
  CircuitBreakerError,
  CircuitBreakerRegistry,
  isCallTimeoutError,
  never,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from '../../src/index.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { countsOf, delay, errorOf, inFlight, settled } from './support/breakers.ts'

const major = Number(nest.version.split('.')[0])

// What decorators are made of: this file is run as it is, and engines do not know the legacy ones.

type AnyClass = Type<unknown>
type MethodDecorators = readonly ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]

function onMethod(target: AnyClass, key: string, ...decorators: MethodDecorators): void {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, key)!
  for (const decorator of decorators.toReversed()) decorator(target.prototype as object, key, descriptor)
  Object.defineProperty(target.prototype, key, descriptor)
}

function onParameters(target: AnyClass, ...decorators: ParameterDecorator[]): void {
  decorators.forEach((decorator, index) => decorator(target, undefined, index))
}

function aModule(metadata: ModuleMetadata): AnyClass {
  const made = class {}
  Module(metadata)(made)
  return made
}

/** The same provider, made after `other`. */
function afterwards(provider: FactoryProvider, other: AnyClass): FactoryProvider {
  return { ...provider, inject: [...provider.inject!, other] }
}

const apps: { close(): Promise<void> }[] = []

async function start(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  const app = await NestFactory.createApplicationContext(aModule(metadata), {
    logger: false,
    abortOnError: false,
  })
  apps.push(app)
  return app
}

async function listen(metadata: ModuleMetadata): Promise<{ app: INestApplication; origin: string }> {
  const app = await NestFactory.create(aModule(metadata), {
    logger: false,
    abortOnError: false,
    forceCloseConnections: true,
  })
  apps.push(app)
  await app.listen(0, '127.0.0.1')
  return { app, origin: (await app.getUrl()).replace('[::1]', '127.0.0.1') }
}

const named = (app: INestApplicationContext, name: string): CircuitBreaker =>
  app.get<CircuitBreaker>(getCircuitBreakerToken(name), { strict: false })

/** A provider with one protected method, made anew: decorators change a class. */
function makeClient(
  name = 'payments',
): Type<{ charge(cents: number): Promise<string>; fail(error: unknown): Promise<never> }> {
  class Client {
    readonly currency = 'EUR'
    async charge(cents: number): Promise<string> {
      return `${this.currency} ${cents}`
    }
    // Throws at once, although it is said to return a promise.
    fail(error: unknown): Promise<never> {
      throw error
    }
  }
  Injectable()(Client)
  for (const key of ['charge', 'fail']) onMethod(Client, key, Protect(name))
  return Client
}

describe(`Nest ${major}`, () => {
  afterEach(async () => {
    await Promise.all(apps.splice(0).map((app) => app.close()))
  })

  describe('the module', () => {
    it('makes breakers by name, with the common options and their own', async () => {
      const app = await start({
        imports: [
          CircuitBreakerModule.forRoot({ breaker: { failMax: 7, timeoutDuration: 1_000 } }),
          CircuitBreakerModule.forFeature([{ name: 'payments', failMax: 3 }, 'mail']),
        ],
      })
      const payments = named(app, 'payments')
      assert.deepEqual(
        [payments.name, payments.options.failMax, payments.options.timeoutDuration],
        ['payments', 3, 1_000],
      )
      assert.equal(named(app, 'mail').options.failMax, 7)
      assert.equal(app.get(CircuitBreakerRegistry).get('payments'), payments)
    })

    it('injects a breaker by its name into what another module has', async () => {
      class Mailer {
        readonly breaker: CircuitBreaker
        constructor(breaker: CircuitBreaker) {
          this.breaker = breaker
        }
      }
      Injectable()(Mailer)
      onParameters(Mailer, InjectCircuitBreaker('mail'))
      const mail = aModule({ imports: [CircuitBreakerModule.forFeature(['mail'])], providers: [Mailer] })
      const other = aModule({ imports: [CircuitBreakerModule.forFeature(['mail'])] })
      const app = await start({ imports: [mail, other, CircuitBreakerModule.forRoot()] })
      const { breaker } = app.get(Mailer, { strict: false })
      assert.equal(breaker.name, 'mail')
      assert.equal(breaker, app.get(CircuitBreakerRegistry).get('mail'))
    })

    it('takes its options from a factory or a class, once what they need is there', async () => {
      const SETTINGS = 'settings'
      const settings = aModule({
        providers: [{ provide: SETTINGS, useValue: { failMax: 9 } }],
        exports: [SETTINGS],
      })
      class Options {
        createCircuitBreakerOptions(): { breaker: CircuitBreakerOptions } {
          return { breaker: { failMax: 8 } }
        }
      }
      const ways: [CircuitBreakerModuleAsyncOptions, number][] = [
        [
          {
            imports: [settings],
            inject: [SETTINGS],
            useFactory: async (breaker: CircuitBreakerOptions) => ({ breaker }),
          },
          9,
        ],
        [{ useClass: Options }, 8],
      ]
      for (const [options, expected] of ways) {
        const app = await start({
          imports: [CircuitBreakerModule.forRootAsync(options), CircuitBreakerModule.forFeature(['mail'])],
        })
        assert.equal(named(app, 'mail').options.failMax, expected)
      }
    })

    it('has a monitor watch its breakers until it shuts down', async () => {
      const app = await start({
        imports: [CircuitBreakerModule.forRoot(), CircuitBreakerModule.forFeature(['mail'])],
      })
      const monitor = app.get(CircuitBreakerMonitor)
      app.get(CircuitBreakerRegistry).get('later')
      assert.deepEqual([monitor.has('mail'), monitor.has('later')], [true, true])
      await app.close()
      assert.deepEqual([monitor.has('mail'), monitor.has('later')], [false, false])
    })

    it('uses the monitor that it is given', async () => {
      const monitor = new CircuitBreakerMonitor()
      const app = await start({
        imports: [CircuitBreakerModule.forRoot({ monitor }), CircuitBreakerModule.forFeature(['mail'])],
      })
      assert.equal(app.get(CircuitBreakerMonitor), monitor)
      assert.ok(monitor.has('mail'))
    })

    it('forgets no breaker, however many names there are', async () => {
      const app = await start({ imports: [CircuitBreakerModule.forRoot()] })
      const registry = app.get(CircuitBreakerRegistry)
      const first = registry.get('breaker 1')
      for (let i = 1; i <= 2_000; i++) registry.get(`breaker ${i}`)
      assert.equal(registry.get('breaker 1'), first)
    })

    it('a rule of its own replaces the common one', async () => {
      const app = await start({
        imports: [
          CircuitBreakerModule.forRoot({ breaker: (name) => ({ failMax: name.length }) }),
          CircuitBreakerModule.forFeature([{ name: 'none', trip: never() }, 'four']),
        ],
      })
      assert.equal(named(app, 'none').options.failMax, undefined)
      assert.equal(named(app, 'four').options.failMax, 4)
    })

    it('refuses bad options, options twice and options that come too late', async () => {
      assert.throws(() => CircuitBreakerModule.forFeature([{ name: 'x', failMax: 0 }]), /failMax/)
      assert.throws(() => CircuitBreakerModule.forFeature('x' as never), /Expected `features` to be an array/)
      assert.throws(
        () => CircuitBreakerModule.forFeature([7 as never]),
        /Expected `features\[0\]` to be a name/,
      )
      assert.throws(() => CircuitBreakerModule.forFeature([{} as never]), /Expected `features\[0\].name`/)
      assert.throws(() => InjectCircuitBreaker(7 as never), /Expected `name` to be a string/)
      const root = CircuitBreakerModule.forRoot()
      const bad = CircuitBreakerModule.forRoot({ breakers: {} } as object)
      await assert.rejects(start({ imports: [bad] }), /only known names \(breaker, monitor\), got `breakers`/)
      const features = [1, 2].map((failMax) => CircuitBreakerModule.forFeature([{ name: 'x', failMax }]))
      await assert.rejects(start({ imports: [root, ...features] }), /"x" to be given once/)
      class Early {
        constructor(registry: CircuitBreakerRegistry) {
          registry.get('x')
        }
      }
      onParameters(Early, Inject(CircuitBreakerRegistry))
      const feature = CircuitBreakerModule.forFeature([{ name: 'x', failMax: 1 }])
      const providers = [
        Early,
        ...feature.providers!.map((each) => afterwards(each as FactoryProvider, Early)),
      ]
      await assert.rejects(
        start({ imports: [CircuitBreakerModule.forRoot(), { ...feature, providers }] }),
        /"x" to be given before its first use/,
      )
    })
  })

  describe('@Protect', () => {
    it('lets a method go through the breaker with its name: same this, arguments, result and error', async () => {
      const Client = makeClient()
      const app = await start({
        imports: [
          CircuitBreakerModule.forRoot(),
          CircuitBreakerModule.forFeature([{ name: 'payments', failMax: 2 }]),
        ],
        providers: [Client],
      })
      const client = app.get(Client)
      const breaker = named(app, 'payments')
      assert.equal(await client.charge(12), 'EUR 12')
      assert.equal(breaker.snapshot().counts.successes, 1)
      const error = new Error('down')
      assert.equal(await errorOf(client.fail(error)), error)
      assert.equal(await errorOf(client.fail(error)), error)
      assert.ok((await errorOf(client.charge(12))) instanceof CircuitBreakerError)
      assert.deepEqual([client.charge.name, client.charge.length], ['charge', 1])
    })

    it('needs no feature, and half-open one call is the probe', async () => {
      const clock = new ManualClock()
      const Client = makeClient()
      const app = await start({
        imports: [CircuitBreakerModule.forRoot({ breaker: { clock, failMax: 1, timeoutDuration: 1_000 } })],
        providers: [Client],
      })
      const client = app.get(Client)
      await errorOf(client.fail(new Error('down')))
      clock.advance(1_000)
      const [probe, other] = await Promise.allSettled([client.charge(1), client.charge(2)])
      assert.equal(probe.status, 'fulfilled')
      assert.ok(other.status === 'rejected' && other.reason instanceof CircuitBreakerError)
      assert.equal(app.get(CircuitBreakerRegistry).get('payments').state, 'closed')
    })

    it('ends the wait after callTimeout', async () => {
      class Slow {
        wait(): Promise<void> {
          return delay(200)
        }
      }
      onMethod(Slow, 'wait', Protect('slow'))
      const app = await start({
        imports: [CircuitBreakerModule.forRoot({ breaker: { callTimeout: 20 } })],
        providers: [Slow],
      })
      assert.ok(isCallTimeoutError(await errorOf(app.get(Slow).wait())))
      assert.equal(inFlight(app.get(CircuitBreakerRegistry)), 0)
    })

    it('each application has breakers of its own', async () => {
      const Client = makeClient()
      const make = (): Promise<INestApplicationContext> =>
        start({ imports: [CircuitBreakerModule.forRoot()], providers: [Client] })
      const [one, two] = [await make(), await make()]
      one.get(CircuitBreakerRegistry).get('payments').isolate()
      assert.ok((await errorOf(one.get(Client).charge(1))) instanceof CircuitBreakerError)
      assert.equal(await two.get(Client).charge(1), 'EUR 1')
    })

    it('is inherited', async () => {
      const Client = makeClient()
      class Special extends Client {}
      Injectable()(Special)
      const app = await start({ imports: [CircuitBreakerModule.forRoot()], providers: [Special] })
      assert.equal(await app.get(Special).charge(3), 'EUR 3')
      assert.equal(app.get(CircuitBreakerRegistry).get('payments').snapshot().counts.successes, 1)
    })

    it('keeps generators what they are, and judges them at their end', async () => {
      class Pages {
        async *pages(): AsyncGenerator<number> {
          yield 1
          if (this.breaksOff) throw new Error('the source failed')
          yield 2
        }
        breaksOff = false
      }
      onMethod(Pages, 'pages', Protect('pages'))
      const app = await start({ imports: [CircuitBreakerModule.forRoot()], providers: [Pages] })
      const seen: number[] = []
      for await (const page of app.get(Pages).pages()) seen.push(page)
      assert.deepEqual(seen, [1, 2])
      const breaker = app.get(CircuitBreakerRegistry).get('pages')
      assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
      app.get(Pages).breaksOff = true
      const broken = app.get(Pages).pages()
      assert.equal((await broken.next()).value, 1)
      assert.equal(inFlight(app.get(CircuitBreakerRegistry)), 1)
      await assert.rejects(broken.next(), /the source failed/)
      assert.equal(countsOf(breaker), '1 well, 1 failed, 0 ignored, 0 rejected')
      breaker.isolate()
      await assert.rejects(app.get(Pages).pages().next(), CircuitBreakerError)
      assert.throws(() => new Pages().pages(), /to be made by Nest/)
    })

    it('says what is missing for an instance that Nest has not made', async () => {
      const Client = makeClient()
      assert.match(
        (await errorOf(new Client().charge(1))).message,
        /`this` of `charge`.*@Protect\('payments'\).*forRoot/,
      )
      const module = Test.createTestingModule({ providers: [Client] })
      await assert.rejects(module.compile(), /CircuitBreakerRegistry/)
    })

    it('refuses synchronous methods, static ones and what is no method', () => {
      class Client {
        parse(): number {
          return 1
        }
        static async find(): Promise<void> {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, 'parse')
      // @ts-expect-error it is synchronous
      Protect('x')(Client.prototype, 'parse', descriptor as TypedPropertyDescriptor<() => number>)
      assert.throws(
        () => Protect('x')(Client, 'find', Object.getOwnPropertyDescriptor(Client, 'find')!),
        /a method of instances/,
      )
      assert.throws(
        () => Protect('x')(Client.prototype, 'size', { get: () => 1 } as never),
        /a method of instances/,
      )
      assert.throws(() => Protect(7 as never), /Expected `name` to be a string/)
    })

    it('an exception below 500 is a success, unless classifyError says otherwise', async () => {
      const Client = makeClient()
      const metadata = (breaker: CircuitBreakerOptions): ModuleMetadata => ({
        imports: [CircuitBreakerModule.forRoot({ breaker })],
        providers: [Client],
      })
      for (const [breaker, expected] of [
        [{}, '1 well, 1 failed, 0 ignored, 0 rejected'],
        [{ classifyError: () => 'ignored' }, '0 well, 0 failed, 2 ignored, 0 rejected'],
      ] satisfies [CircuitBreakerOptions, string][]) {
        const app = await start(metadata(breaker))
        await errorOf(app.get(Client).fail(new NotFoundException()))
        await errorOf(app.get(Client).fail(new Error('down')))
        assert.equal(countsOf(app.get(CircuitBreakerRegistry).get('payments')), expected)
      }
    })
  })

  describe('over HTTP', () => {
    interface Asked {
      readonly url: string
    }

    /** A request-scoped controller, which has the request; `later` fails, hangs for a while or is fine. */
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
      // Outside the decorators of Nest, whose metadata is on the method.
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

    it('an open circuit is answered by 503 with Retry-After, other errors as ever', async () => {
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

    it('the filter throws on outside HTTP, and ends an answer that has begun', async () => {
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

  describe('the indicator for Terminus', () => {
    async function health(act: (breaker: CircuitBreaker) => void): Promise<{
      status: number
      body: {
        status: string
        details: Record<string, { status: string; breakers: Record<string, { state: string }> }>
      }
    }> {
      class Health {
        readonly #check: () => Promise<unknown>
        constructor(
          checks: HealthCheckService,
          indicators: HealthIndicatorService,
          circuits: CircuitBreakerHealthIndicator,
        ) {
          this.#check = () => checks.check([() => circuits.check(indicators.check('upstreams'))])
        }
        check(): Promise<unknown> {
          return this.#check()
        }
      }
      Controller('health')(Health)
      onParameters(
        Health,
        Inject(HealthCheckService),
        Inject(HealthIndicatorService),
        Inject(CircuitBreakerHealthIndicator),
      )
      onMethod(Health, 'check', Get())
      const { app, origin } = await listen({
        imports: [
          TerminusModule.forRoot({ logger: false }),
          CircuitBreakerModule.forRoot(),
          CircuitBreakerModule.forFeature(['payments', 'mail']),
        ],
        controllers: [Health],
      })
      act(named(app, 'payments'))
      const response = await fetch(`${origin}/health`)
      return { status: response.status, body: (await response.json()) as never }
    }

    const knowsDegraded = 'degraded' in new HealthIndicatorService().check('x')

    it('says up while all circuits are closed', async () => {
      const { status, body } = await health(() => {})
      assert.deepEqual([status, body.status, body.details['upstreams']?.status], [200, 'ok', 'up'])
    })

    it(`says ${knowsDegraded ? 'degraded' : 'up, for want of degraded,'} and which, while one is open, and is answered by 200`, async () => {
      assert.equal(knowsDegraded, major >= 12)
      const { status, body } = await health((breaker) => breaker.open({ reason: 'maintenance' }))
      const { upstreams } = body.details
      assert.equal(status, 200)
      assert.deepEqual(
        [body.status, upstreams?.status],
        knowsDegraded ? ['degraded', 'degraded'] : ['ok', 'up'],
      )
      const { payments, mail } = upstreams!.breakers
      assert.deepEqual([payments?.state, mail?.state], ['open', 'closed'])
    })

    it('refuses what is no session of Terminus', () => {
      const indicator = new CircuitBreakerHealthIndicator(new CircuitBreakerMonitor())
      assert.throws(() => indicator.check('upstreams' as never), /`check\(key\)` of Terminus/)
    })
  })
})
