import { after } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici-7'
import {
  breakerInterceptor,
  type BreakerInterceptorOptions,
} from '../../../../src/integrations/http/undici.ts'
import type { CircuitBreaker, CircuitBreakerOptions, CircuitBreakerRegistry } from '../../../../src/index.ts'
import { clock, server } from '../../support/own-server.ts'

/** The supported versions, all with the types of the newest. */
export const VERSIONS: readonly (readonly [version: string, undici: typeof undici8])[] = [
  ['undici 8', undici8],
  ['undici 7', undici7 as unknown as typeof undici8],
]

export { clock, restart, server, useServer } from '../../support/own-server.ts'

export interface Guarded {
  readonly dispatcher: undici8.Dispatcher
  readonly breaker: CircuitBreaker
  readonly registry: CircuitBreakerRegistry
  get(path: string, options?: object): ReturnType<typeof undici8.request>
  close(): Promise<void>
}

/** Interceptors to compose on the network's side (`inside`) or the caller's side (`outside`) of ours. */
export interface Others {
  readonly inside?: undici8.Dispatcher.DispatcherComposeInterceptor[]
  readonly outside?: undici8.Dispatcher.DispatcherComposeInterceptor[]
}

export interface Guarding {
  readonly make: (
    breaker?: CircuitBreakerOptions,
    options?: BreakerInterceptorOptions,
    others?: Others,
  ) => Guarded
  /** The dispatchers to destroy at the end. */
  readonly agents: undici8.Dispatcher[]
}

/** Helpers that create guarded agents of one version of undici. */
export function guarding({ Agent, request }: typeof undici8): Guarding {
  const agents: undici8.Dispatcher[] = []
  after(async () => {
    for (const agent of agents) await agent.destroy()
  })

  function make(
    breaker: CircuitBreakerOptions = {},
    options: BreakerInterceptorOptions = {},
    { inside = [], outside = [] }: Others = {},
  ): Guarded {
    const interceptor = breakerInterceptor({
      ...options,
      breaker: { clock, timeoutDuration: 1_000, ...breaker },
    })
    const agent = new Agent()
    agents.push(agent)
    const dispatcher = agent.compose(...inside, interceptor, ...outside)
    return {
      dispatcher,
      registry: interceptor.registry,
      breaker: interceptor.registry.get(server.origin),
      get: (path, more) => request(`${server.origin}${path}`, { dispatcher, ...more }),
      close: () => agent.destroy(),
    }
  }

  return { make, agents }
}
