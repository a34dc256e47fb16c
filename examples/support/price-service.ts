import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** When a service fails, in milliseconds after its start, and how many milliseconds a failing answer takes. */
export interface Outage {
  readonly from: number
  readonly until: number
  readonly slow: number
}

export interface PriceService {
  readonly url: string
  /** The number of requests that reached the service, and the number of them that it failed. */
  readonly requests: { total: number; failed: number }
  close(): Promise<void>
}

/** A real HTTP service on a free port of loopback that answers with a price, except during its outage. */
export async function startPriceService(outage: Outage): Promise<PriceService> {
  const start = performance.now()
  const requests = { total: 0, failed: 0 }
  const server = createServer((_request, response) => {
    requests.total++
    const now = performance.now() - start
    if (now < outage.from || now >= outage.until) {
      response.end((19.5 + requests.total / 100).toFixed(2))
      return
    }
    requests.failed++
    setTimeout(() => response.writeHead(503).end('down'), outage.slow)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/price`,
    requests,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
