import { after, before, describe, it } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici-7'
import { breakerInterceptor } from '../../../src/integrations/http/undici.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { consume, assertNoPermitIsLost } from '../support/storm.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server.close())

describe('after any requests, faults and aborts nothing is in flight', () => {
  for (const [version, { Agent, request }] of [
    ['undici 8', undici8],
    ['undici 7', undici7 as unknown as typeof undici8],
  ] as const) {
    const agent = new Agent()
    after(() => agent.destroy())

    it(`with ${version}`, () =>
      assertNoPermitIsLost((breaker, releaseAfter) => {
        const interceptor = breakerInterceptor({ breaker, releaseAfter })
        const dispatcher = agent.compose(interceptor)
        return {
          registry: interceptor.registry,
          async ask(ask, signal) {
            const { body } = await request(`${server.origin}${ask.path}`, {
              dispatcher,
              signal: signal ?? null,
            })
            body.on('error', () => {})
            await consume(body, ask, () => body.destroy())
          },
        }
      }))

    it(`with ${version} under the runtime's own fetch`, () =>
      assertNoPermitIsLost((breaker, releaseAfter) => {
        const interceptor = breakerInterceptor({ breaker, releaseAfter })
        const dispatcher = agent.compose(interceptor)
        return {
          registry: interceptor.registry,
          async ask(ask, signal) {
            const init = { dispatcher, signal: signal ?? null } as unknown as RequestInit
            const response = await fetch(`${server.origin}${ask.path}`, init)
            await consume(response.body, ask, () => response.body?.cancel())
          },
        }
      }))
  }
})
