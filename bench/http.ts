// Measures what a breaker adds to a request: fetch and undici, against a server in this process.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'
import { fetchIntegration, undiciIntegration } from './libraries.ts'
import { median } from './median.ts'
import { keysOf, recordOf } from './record.ts'

export interface Requests {
  /** Microseconds per sequential request, reading its body included: the median of the rounds' medians. */
  readonly microseconds: Readonly<Record<ClientName, number>>
  /** Microseconds that the breaker adds: the median over the rounds, each of which measures both clients. */
  readonly added: { readonly fetch: number; readonly undici: number }
}

type ClientName = 'fetch' | 'guardedFetch' | 'undici' | 'guardedUndici'

export async function measureRequests(quick: boolean): Promise<Requests> {
  const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const guardedFetch = fetchIntegration.breakerFetch(fetch)
  const agent = new Agent()
  const guardedAgent = new Agent().compose(undiciIntegration.breakerInterceptor())
  const clients: Readonly<Record<ClientName, () => Promise<string>>> = {
    fetch: async () => (await fetch(url)).text(),
    guardedFetch: async () => (await guardedFetch(url)).text(),
    undici: async () => (await request(url, { dispatcher: agent })).body.text(),
    guardedUndici: async () => (await request(url, { dispatcher: guardedAgent })).body.text(),
  }

  const rounds = recordOf(keysOf(clients), (): number[] => [])
  const [warmUp, count, size] = quick ? [0, 1, 20] : [3, 21, 400]
  for (let round = -warmUp; round < count; round++) {
    for (const name of keysOf(clients)) {
      const took = await medianTime(clients[name], size)
      if (round >= 0) rounds[name].push(took)
    }
  }
  await agent.close()
  await guardedAgent.close()
  server.closeAllConnections()
  server.close()

  const added = (bare: ClientName, guarded: ClientName): number =>
    median(rounds[guarded].map((took, round) => took - rounds[bare][round]!))
  return {
    microseconds: recordOf(keysOf(clients), (name) => median(rounds[name])),
    added: { fetch: added('fetch', 'guardedFetch'), undici: added('undici', 'guardedUndici') },
  }
}

async function medianTime(send: () => Promise<string>, size: number): Promise<number> {
  const times: number[] = []
  for (let n = 0; n < size; n++) {
    const start = performance.now()
    const body = await send()
    times.push((performance.now() - start) * 1_000)
    if (body !== 'hello') throw new Error(`Expected the body 'hello', got ${JSON.stringify(body)}`)
  }
  return median(times)
}
