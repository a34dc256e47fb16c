import {
  Injectable,
  NotFoundException,
  type INestApplicationContext,
  type ModuleMetadata,
} from '@nestjs/common'
import { Test } from '@nestjs/testing'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreakerModule, Protect } from '../../../src/integrations/nestjs/index.ts'
import {
  CircuitBreakerError,
  CircuitBreakerRegistry,
  isCallTimeoutError,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { countsOf, delay, errorOf, inFlight } from '../support/breakers.ts'
import { closeApps, major, makeClient, named, onMethod, start } from './nest.ts'

describe(`Nest ${major}`, () => {
  closeApps()

  describe('@Protect', () => {
    it('sends a method through the named breaker: same this, arguments, result and error', async () => {
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

    it('needs no forFeature, and admits one call as the probe when half-open', async () => {
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

    it('S5: counts once when one protected method calls another, also of another provider', async () => {
      const Client = makeClient()
      class Shop {
        readonly client = new Client()
        async pay(cents: number): Promise<string> {
          return this.client.charge(cents)
        }
        async order(cents: number): Promise<string> {
          return this.pay(cents)
        }
        async fail(): Promise<string> {
          return this.client.fail(new Error('down')).catch(() => 'later')
        }
      }
      for (const name of ['pay', 'order', 'fail']) onMethod(Shop, name, Protect('payments'))
      const app = await start({ imports: [CircuitBreakerModule.forRoot()], providers: [Shop, Client] })
      const shop = app.get(Shop)
      Object.assign(shop, { client: app.get(Client) })
      const breaker = app.get(CircuitBreakerRegistry).get('payments')
      assert.equal(await shop.order(12), 'EUR 12')
      assert.deepEqual([breaker.snapshot().counts.calls, breaker.failCounter], [1, 0])
      assert.equal(await shop.fail(), 'later')
      assert.deepEqual([breaker.snapshot().counts.calls, breaker.failCounter], [2, 1])
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

    it('keeps generators generators, and settles them at their end', async () => {
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
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      app.get(Pages).breaksOff = true
      const broken = app.get(Pages).pages()
      assert.equal((await broken.next()).value, 1)
      assert.equal(inFlight(app.get(CircuitBreakerRegistry)), 1)
      await assert.rejects(broken.next(), /the source failed/)
      assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
      breaker.isolate()
      await assert.rejects(app.get(Pages).pages().next(), CircuitBreakerError)
      assert.throws(() => new Pages().pages(), /to be made by Nest/)
    })

    it('reports what is missing for an instance that Nest did not create', async () => {
      const Client = makeClient()
      assert.match(
        (await errorOf(new Client().charge(1))).message,
        /`this` of `charge`.*@Protect\('payments'\).*forRoot/,
      )
      const module = Test.createTestingModule({ providers: [Client] })
      await assert.rejects(module.compile(), /CircuitBreakerRegistry/)
    })

    it('rejects synchronous methods, static methods and anything but a method', () => {
      class Client {
        parse(): number {
          return 1
        }
        static async find(): Promise<void> {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(Client.prototype, 'parse')
      // @ts-expect-error the method is synchronous
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

    it('an exception below 500 is a success, unless classifyError returns otherwise', async () => {
      const Client = makeClient()
      const metadata = (breaker: CircuitBreakerOptions): ModuleMetadata => ({
        imports: [CircuitBreakerModule.forRoot({ breaker })],
        providers: [Client],
      })
      for (const [breaker, expected] of [
        [{}, '1 succeeded, 1 failed, 0 ignored, 0 rejected'],
        [{ classifyError: () => 'ignored' }, '0 succeeded, 0 failed, 2 ignored, 0 rejected'],
      ] satisfies [CircuitBreakerOptions, string][]) {
        const app = await start(metadata(breaker))
        await errorOf(app.get(Client).fail(new NotFoundException()))
        await errorOf(app.get(Client).fail(new Error('down')))
        assert.equal(countsOf(app.get(CircuitBreakerRegistry).get('payments')), expected)
      }
    })
  })
})
