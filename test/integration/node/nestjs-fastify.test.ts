import { Controller, Get, Module } from '@nestjs/common'
import nest from '@nestjs/core/package.json' with { type: 'json' }
import { APP_FILTER, NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import {
  CircuitBreakerExceptionFilter,
  CircuitBreakerModule,
  Protect,
} from '../../../src/integrations/nestjs/index.ts'
import { CircuitBreakerRegistry, type CircuitBreaker } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'

/** A controller whose calls fail until `well` is set. Decorators are applied manually: engines do not support them. */
class Prices {
  static well = true
  async price(): Promise<string> {
    if (!Prices.well) throw new Error('down')
    return 'twelve'
  }
}
Controller()(Prices)
const method = Object.getOwnPropertyDescriptor(Prices.prototype, 'price')!
Get('price')(Prices.prototype, 'price', method)
Protect('prices')(Prices.prototype, 'price', method)
Object.defineProperty(Prices.prototype, 'price', method)

const clock = new ManualClock()
class AppModule {}
Module({
  imports: [CircuitBreakerModule.forRoot({ breaker: { clock, failMax: 1, timeoutDuration: 4_500 } })],
  controllers: [Prices],
  providers: [{ provide: APP_FILTER, useClass: CircuitBreakerExceptionFilter }],
})(AppModule)

describe(`Nest ${nest.version.split('.')[0]} on Fastify`, () => {
  let app: NestFastifyApplication
  let breaker: CircuitBreaker
  let url: string
  before(async () => {
    app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: false })
    await app.listen(0, '127.0.0.1')
    url = `${await app.getUrl()}/price`
    breaker = app.get(CircuitBreakerRegistry).get('prices')
  })
  after(() => app.close())
  beforeEach(() => {
    breaker.close()
    Prices.well = true
  })

  it('answers through the breaker', async () => {
    assert.equal(await (await fetch(url)).text(), 'twelve')
    assert.equal(breaker.snapshot().counts.successes, 1)
  })

  it('answers 503 with Retry-After when the circuit is open, and other errors as usual', async () => {
    Prices.well = false
    assert.equal((await fetch(url)).status, 500)
    const rejected = await fetch(url)
    assert.deepEqual([rejected.status, rejected.headers.get('retry-after')], [503, '5'])
    assert.equal(((await rejected.json()) as { code: string }).code, 'CIRCUIT_OPEN')
    breaker.isolate()
    const isolated = await fetch(url)
    assert.deepEqual([isolated.status, isolated.headers.get('retry-after')], [503, null])
  })

  it('closes after a probe', async () => {
    breaker.open()
    clock.advance(60_000)
    assert.equal((await fetch(url)).status, 200)
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
