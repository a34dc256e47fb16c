import { Inject } from '@nestjs/common'
import { aString } from '../../base/validate.ts'

/**
 * The token of a breaker that `CircuitBreakerModule.forFeature` provides.
 *
 * @throws {TypeError} if the name is no string.
 */
export function getCircuitBreakerToken(name: string): string {
  aString(name, 'name')
  return `recloser:${name}`
}

/**
 * Injects a breaker that `CircuitBreakerModule.forFeature` provides:
 * `constructor(@InjectCircuitBreaker('payments') payments: CircuitBreaker)`.
 *
 * @throws {TypeError} if the name is no string.
 */
export function InjectCircuitBreaker(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getCircuitBreakerToken(name))
}
