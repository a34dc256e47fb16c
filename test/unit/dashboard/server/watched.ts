import { CircuitBreaker } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'

/** A monitor of one breaker per name, each with its breaker. */
export function watched(...names: readonly string[]): {
  readonly monitor: CircuitBreakerMonitor
  readonly breakers: readonly CircuitBreaker[]
} {
  const monitor = new CircuitBreakerMonitor()
  const breakers = names.map((name) => new CircuitBreaker({ name }))
  for (const breaker of breakers) monitor.watch(breaker)
  return { monitor, breakers }
}
