/**
 * A shop built with Nest calls another service for prices:
 *
 *   node examples/integrations/nestjs.ts
 *
 * Node runs this file without a compile step and does not support legacy decorators, so the decorators are applied
 * manually here. With a compiler, the calls that follow a class become `@` decorators above it, as in the README.
 */
import {
  Controller,
  Get,
  Inject,
  Injectable,
  InternalServerErrorException,
  Module,
  Param,
} from '@nestjs/common'
import { APP_FILTER, NestFactory } from '@nestjs/core'
import { HealthCheck, HealthCheckService, HealthIndicatorService, TerminusModule } from '@nestjs/terminus'
import { CircuitBreakerRegistry } from 'recloser'
import {
  CircuitBreakerExceptionFilter,
  CircuitBreakerHealthIndicator,
  CircuitBreakerModule,
  Protect,
} from 'recloser/nestjs'
import { startFlakyService } from '../support/flaky-service.ts'

const service = await startFlakyService()

class Prices {
  async of(id: string): Promise<{ id: string; price: string }> {
    const answer = await fetch(service.url, { signal: AbortSignal.timeout(1_000) })
    if (!answer.ok) throw new InternalServerErrorException('The price service failed')
    return { id, price: await answer.text() }
  }
}
Injectable()(Prices)
decorate(Prices, 'of', Protect('prices'))

class PriceController {
  readonly #prices: Prices
  constructor(prices: Prices) {
    this.#prices = prices
  }
  get(id: string): Promise<object> {
    return this.#prices.of(id)
  }
}
Controller('prices')(PriceController)
Inject(Prices)(PriceController, undefined, 0)
decorate(PriceController, 'get', Get(':id'))
Param('id')(PriceController.prototype, 'get', 0)

class HealthController {
  readonly #health: () => Promise<object>
  constructor(
    health: HealthCheckService,
    indicators: HealthIndicatorService,
    circuits: CircuitBreakerHealthIndicator,
  ) {
    this.#health = () => health.check([() => circuits.check(indicators.check('upstreams'))])
  }
  check(): Promise<object> {
    return this.#health()
  }
}
Controller('health')(HealthController)
for (const [index, type] of [
  HealthCheckService,
  HealthIndicatorService,
  CircuitBreakerHealthIndicator,
].entries()) {
  Inject(type)(HealthController, undefined, index)
}
decorate(HealthController, 'check', Get(), HealthCheck())

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is an empty class
class AppModule {}
Module({
  imports: [
    TerminusModule,
    CircuitBreakerModule.forRoot(),
    CircuitBreakerModule.forFeature([
      { name: 'prices', failMax: 2, timeoutDuration: 200, callTimeout: 2_000 },
    ]),
  ],
  controllers: [PriceController, HealthController],
  providers: [Prices, { provide: APP_FILTER, useClass: CircuitBreakerExceptionFilter }],
})(AppModule)

const app = await NestFactory.create(AppModule, { logger: false, forceCloseConnections: true })
await app.listen(0, '127.0.0.1')
const origin = await app.getUrl()

async function ask(): Promise<void> {
  const response = await fetch(`${origin}/prices/7`)
  const wait = response.headers.get('retry-after')
  console.log(response.status, await response.text(), wait ? `(again in ${wait} s)` : '')
}

async function showHealth(): Promise<void> {
  const response = await fetch(`${origin}/health`)
  console.log('health:', response.status, ((await response.json()) as { status: string }).status)
}

await ask()
service.down = true
for (let i = 0; i < 3; i++) await ask() // the third does not reach the service
await showHealth()
service.down = false
await app.get(CircuitBreakerRegistry).get('prices').ready()
await ask()
await showHealth()

await app.close()
service.close()

function decorate(
  type: { readonly prototype: object },
  key: string,
  ...decorators: readonly ((target: object, key: string, descriptor: PropertyDescriptor) => void)[]
): void {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, key)!
  for (const each of decorators) each(type.prototype, key, descriptor)
  Object.defineProperty(type.prototype, key, descriptor)
}
