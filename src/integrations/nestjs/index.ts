/**
 * Circuit breakers for NestJS 11 and 12.
 *
 * @module
 */

export type { CircuitBreakerFeature, CircuitBreakerModuleOptions } from './breakers.ts'
export { CircuitBreakerExceptionFilter } from './filter.ts'
export { CircuitBreakerHealthIndicator, type TerminusSession } from './health.ts'
export {
  CircuitBreakerModule,
  getCircuitBreakerToken,
  InjectCircuitBreaker,
  type CircuitBreakerModuleAsyncOptions,
} from './module.ts'
export { Protect, type ProtectDecorator } from './protect.ts'
