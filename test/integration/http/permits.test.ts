import { create, getAdapter } from 'axios'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { breakerAdapter } from '../../../src/integrations/http/axios.ts'
import { breakerFetch } from '../../../src/integrations/http/fetch.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { consume, assertNoPermitIsLost } from '../support/storm.ts'

let server: TestServer
before(async () => {
  server = await startServer()
})
after(() => server.close())

describe('after any requests, faults and aborts nothing is in flight', () => {
  it('with fetch', () =>
    assertNoPermitIsLost((breaker, releaseAfter) => {
      const guarded = breakerFetch(fetch, { breaker, releaseAfter })
      return {
        registry: guarded.registry,
        async ask(ask, signal) {
          const response = await guarded(`${server.origin}${ask.path}`, signal && { signal })
          if (ask.use === 'read') await response.text()
          else await consume(response.body, ask, () => response.body?.cancel())
        },
      }
    }))

  for (const kind of ['http', 'fetch'] as const) {
    it(`with axios and its ${kind} adapter`, () =>
      assertNoPermitIsLost((breaker, releaseAfter) => {
        const adapter = breakerAdapter(getAdapter(kind), { breaker, releaseAfter })
        const client = create({ adapter, baseURL: server.origin })
        return {
          registry: adapter.registry,
          async ask(ask, signal) {
            const options = {
              ...(signal && { signal }),
              responseType: ask.use === 'read' ? 'text' : 'stream',
            } as const
            const { data } = await client.get<Readable | ReadableStream | string>(ask.path, options)
            if (typeof data === 'string') return
            if (data instanceof Readable) data.on('error', () => {})
            const cancel = (): unknown => (data instanceof Readable ? data.destroy() : data.cancel())
            await consume(data as AsyncIterable<unknown>, ask, cancel)
          },
        }
      }))
  }
})
