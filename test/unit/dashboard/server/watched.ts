import { CircuitBreaker } from '../../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'

/** Creates a breaker for each name, and a monitor that watches them. */
export function watched(...names: readonly string[]): {
  readonly monitor: CircuitBreakerMonitor
  readonly breakers: readonly CircuitBreaker[]
} {
  const monitor = new CircuitBreakerMonitor()
  const breakers = names.map((name) => new CircuitBreaker({ name }))
  for (const breaker of breakers) monitor.watch(breaker)
  return { monitor, breakers }
}
