import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerAdapter } from '../../../src/integrations/http/axios.ts'
import { breakerFetch } from '../../../src/integrations/http/fetch.ts'
import type { WithRegistry } from '../../../src/integrations/http/options.ts'
import { breakerInterceptor } from '../../../src/integrations/http/undici.ts'
import type { CircuitBreakerOptions } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { warningsFrom } from '../../helpers/warnings.ts'

interface Client extends WithRegistry {
  /** Makes a request that fails. */
  ask(origin: string): Promise<unknown>
}

const refuse = async (): Promise<never> => {
  throw new TypeError('connect ECONNREFUSED')
}
const clients: Record<string, (breaker: CircuitBreakerOptions) => Client> = {
  breakerFetch(breaker) {
    const guarded = breakerFetch(refuse as typeof fetch, { breaker })
    return { registry: guarded.registry, ask: (origin) => guarded(origin) }
  },
  breakerAdapter(breaker) {
    const guarded = breakerAdapter(refuse as (config: { url?: string }) => Promise<never>, { breaker })
    return { registry: guarded.registry, ask: (url) => guarded({ url }) }
  },
  breakerInterceptor(breaker) {
    const interceptor = breakerInterceptor({ breaker })
    const refused = (): never => {
      throw new TypeError('connect ECONNREFUSED')
    }
    const ignore = (): void => {}
    const handler = { onRequestStart: ignore, onResponseError: ignore }
    const dispatch = interceptor(refused as never) as (request: object, handler: object) => boolean
    return {
      registry: interceptor.registry,
      ask: async (origin) => dispatch({ origin, path: '/', method: 'GET' }, handler),
    }
  },
}

describe('S32: the registry of a guarded client', () => {
  for (const [name, make] of Object.entries(clients)) {
    it(`S32: that of ${name} does not keep 5,000 dead origins`, async () => {
      const clock = new ManualClock()
      const { registry, ask } = make({ clock, failMax: 1, timeoutDuration: 1_000 })
      const warnings = await warningsFrom(async () => {
        for (let host = 0; host < 5_000; host++) {
          await assert.rejects(ask(`http://host-${host}.example`))
          assert.equal(registry.get(`http://host-${host}.example`).state, 'open')
          clock.advance(4)
        }
      })
      assert.equal(registry.size, 1_000)
      assert.deepEqual(warnings, [])
    })
  }
})
