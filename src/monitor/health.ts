import type { CircuitBreakerState } from '../base/state.ts'
import type { Health } from './report.ts'

const HEALTH: Readonly<Record<CircuitBreakerState, Health>> = {
  closed: 'up',
  'half-open': 'degraded',
  open: 'down',
  isolated: 'down',
}

export function healthOf(state: CircuitBreakerState): Health {
  return HEALTH[state]
}

/** Returns the worst of `healths`; `'up'` if there are none. */
export function worst(healths: Iterable<Health>): Health {
  let found: Health = 'up'
  for (const health of healths) {
    if (health === 'down') return health
    if (health === 'degraded') found = health
  }
  return found
}
