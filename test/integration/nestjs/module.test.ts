import { Inject, Injectable, type FactoryProvider } from '@nestjs/common'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreakerModule,
  InjectCircuitBreaker,
  type CircuitBreakerModuleAsyncOptions,
} from '../../../src/integrations/nestjs/index.ts'
import {
  CircuitBreakerRegistry,
  never,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { aModule, afterwards, closeApps, major, named, onParameters, start } from './nest.ts'

describe(`Nest ${major}`, () => {
  closeApps()

  describe('the module', () => {
    it('creates breakers by name, with the common options and their own', async () => {
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

    it('reads the options of instances of classes, too', async () => {
      class Payments {
        get name(): string {
          return 'payments'
        }
        get failMax(): number {
          return 3
        }
      }
      const root = CircuitBreakerModule.forRoot({ breaker: new Payments() })
      const app = await start({ imports: [root, CircuitBreakerModule.forFeature([new Payments()])] })
      assert.equal(named(app, 'payments').options.failMax, 3)
      const bad = { name: 'x', failmax: 3 } as object as CircuitBreakerOptions & { name: string }
      assert.throws(() => CircuitBreakerModule.forFeature([bad]), /`features\[0\].failMax`/)
    })

    it('injects a breaker by name into a provider of another module', async () => {
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

    it('takes its options from a factory or a class, once their dependencies are available', async () => {
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

    it('uses a given monitor', async () => {
      const monitor = new CircuitBreakerMonitor()
      const app = await start({
        imports: [CircuitBreakerModule.forRoot({ monitor }), CircuitBreakerModule.forFeature(['mail'])],
      })
      assert.equal(app.get(CircuitBreakerMonitor), monitor)
      assert.ok(monitor.has('mail'))
    })

    it('evicts no breaker, however many names there are', async () => {
      const app = await start({ imports: [CircuitBreakerModule.forRoot()] })
      const registry = app.get(CircuitBreakerRegistry)
      const first = registry.get('breaker 1')
      for (let i = 1; i <= 2_000; i++) registry.get(`breaker ${i}`)
      assert.equal(registry.get('breaker 1'), first)
    })

    it('a rule in forFeature replaces the common one', async () => {
      const app = await start({
        imports: [
          CircuitBreakerModule.forRoot({ breaker: (name) => ({ failMax: name.length }) }),
          CircuitBreakerModule.forFeature([{ name: 'none', trip: never() }, 'four']),
        ],
      })
      assert.equal(named(app, 'none').options.failMax, undefined)
      assert.equal(named(app, 'four').options.failMax, 4)
    })

    it('rejects invalid options, duplicate options and options that come too late', async () => {
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
      await assert.rejects(start({ imports: [bad] }), /got `breakers`: did you mean `breaker`/)
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
})
