import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server on loopback that answers with a price, or with 500 while it is down. */
export interface FlakyService {
  readonly url: string
  down: boolean
  close(): void
}

export async function startFlakyService(): Promise<FlakyService> {
  const server = createServer((_, response) => response.writeHead(service.down ? 500 : 200).end('12.50'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const service: FlakyService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    down: false,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
  return service
}
