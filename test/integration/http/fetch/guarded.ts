import { breakerFetch, type BreakerFetchOptions } from '../../../../src/integrations/http/fetch.ts'
import type { CircuitBreaker, CircuitBreakerOptions, CircuitBreakerRegistry } from '../../../../src/index.ts'
import { clock, server } from '../../support/own-server.ts'

type Fetch = typeof fetch & { readonly registry: CircuitBreakerRegistry }

export { clock, restart, server, useServer } from '../../support/own-server.ts'

export function make(
  breaker: CircuitBreakerOptions = {},
  options: BreakerFetchOptions = {},
): [Fetch, CircuitBreaker] {
  const guarded = breakerFetch(fetch, { ...options, breaker: { clock, timeoutDuration: 1_000, ...breaker } })
  return [guarded, guarded.registry.get(server.origin)]
}
