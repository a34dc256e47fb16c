import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import { isCircuitBreakerError, type CircuitBreakerError } from '../../base/errors.ts'
import { UNAVAILABLE, unavailableHeaders } from '../server/http-error.ts'

/** Stands for the class in `instanceof`, for the errors of any copy of this package. */
class AnyCircuitBreakerError extends Error {
  static override [Symbol.hasInstance](error: unknown): boolean {
    return isCircuitBreakerError(error)
  }
}

/**
 * Answers a `CircuitBreakerError` by 503 with `Retry-After`, in whole seconds, where it is known when. All other exceptions
 * are left alone; so is this one outside HTTP, where it is thrown on.
 *
 * ```text
 * @Module({ providers: [{ provide: APP_FILTER, useClass: CircuitBreakerExceptionFilter }] })
 * ```
 */
export class CircuitBreakerExceptionFilter implements ExceptionFilter<CircuitBreakerError> {
  readonly #host: HttpAdapterHost

  constructor(host: HttpAdapterHost) {
    this.#host = host
  }

  catch(error: CircuitBreakerError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error
    const { httpAdapter } = this.#host
    const response: unknown = host.switchToHttp().getResponse()
    if (httpAdapter.isHeadersSent(response)) return void httpAdapter.end(response)
    for (const [name, value] of Object.entries(unavailableHeaders(error))) {
      httpAdapter.setHeader(response, name, value)
    }
    httpAdapter.reply(response, UNAVAILABLE, 503)
  }
}

Catch(AnyCircuitBreakerError)(CircuitBreakerExceptionFilter)
Inject(HttpAdapterHost)(CircuitBreakerExceptionFilter, undefined, 0)
