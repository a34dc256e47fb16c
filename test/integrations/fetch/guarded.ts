import { after, before, beforeEach } from 'node:test'
import { breakerFetch, type BreakerFetchOptions } from '../../../src/integrations/fetch.ts'
import type { CircuitBreaker, CircuitBreakerOptions, CircuitBreakerRegistry } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { startServer, type TestServer } from '../support/server.ts'

type Fetch = typeof fetch & { readonly registry: CircuitBreakerRegistry }

export let server: TestServer
export let clock: ManualClock

/** Gives the tests of a file a server of their own, and each of them a clock. */
export function useServer(): void {
  before(restart)
  after(() => server.close())
  beforeEach(() => {
    clock = new ManualClock()
    server.requests.length = 0
  })
}

/** Starts a server in place of one that has been closed. */
export async function restart(): Promise<void> {
  server = await startServer()
}

export function make(
  breaker: CircuitBreakerOptions = {},
  options: BreakerFetchOptions = {},
): [Fetch, CircuitBreaker] {
  const guarded = breakerFetch(fetch, { ...options, breaker: { clock, timeoutDuration: 1_000, ...breaker } })
  return [guarded, guarded.registry.get(server.origin)]
}
