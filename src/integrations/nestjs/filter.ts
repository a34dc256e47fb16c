import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { findCircuitBreakerError, type CircuitBreakerError } from '../../base/errors.ts'
import { UNAVAILABLE, unavailableHeaders } from '../server/http-error.ts'

/**
 * Matches the errors of any copy of this package, and errors that wrap one, in `instanceof`, by which Nest selects a
 * filter.
 */
class AnyCircuitBreakerError extends Error {
  static override [Symbol.hasInstance](error: unknown): boolean {
    return findCircuitBreakerError(error) !== undefined
  }
}

/**
 * Responds to a `CircuitBreakerError`, and to an error that wraps one, with 503 and `Retry-After` in whole seconds;
 * without that header while the circuit is isolated. Outside HTTP it rethrows the error. It does not catch any other
 * exception.
 *
 * @example
 * ```ts legacy-decorators
 * import { Controller, Get, Module } from '@nestjs/common'
 * import { APP_FILTER, NestFactory } from '@nestjs/core'
 * import { CircuitBreakerRegistry } from 'recloser'
 * import { CircuitBreakerExceptionFilter, CircuitBreakerModule, Protect } from 'recloser/nestjs'
 *
 * @Controller('prices')
 * class PricesController {
 *   @Get()
 *   @Protect('prices')
 *   async list() {
 *     return [12]
 *   }
 * }
 *
 * @Module({
 *   imports: [CircuitBreakerModule.forRoot()],
 *   controllers: [PricesController],
 *   providers: [{ provide: APP_FILTER, useClass: CircuitBreakerExceptionFilter }],
 * })
 * class AppModule {}
 *
 * const app = await NestFactory.create(AppModule, { logger: false })
 * await app.listen(0, '127.0.0.1')
 * app.get(CircuitBreakerRegistry).get('prices').open({ for: 4_500 })
 * const response = await fetch(`${await app.getUrl()}/prices`)
 * console.log(response.status, response.headers.get('retry-after')) // 503 5
 * await app.close()
 * ```
 */
export class CircuitBreakerExceptionFilter implements ExceptionFilter<CircuitBreakerError> {
  readonly #host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.#host = host
  }

  /**
   * Called by Nest for each `CircuitBreakerError`, and for each error that wraps one.
   *
   * @throws {CircuitBreakerError} when the context is not HTTP.
   */
  catch(error: CircuitBreakerError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error
    const { httpAdapter } = this.#host
    const response: unknown = host.switchToHttp().getResponse()
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response)
    for (const [name, value] of Object.entries(unavailableHeaders(findCircuitBreakerError(error)!))) {
      httpAdapter.setHeader(response, name, value)
    }
    httpAdapter.reply(response, UNAVAILABLE, 503)
  }
}

Catch(AnyCircuitBreakerError)(CircuitBreakerExceptionFilter)
Inject(HttpAdapterHost)(CircuitBreakerExceptionFilter, undefined, 0)
