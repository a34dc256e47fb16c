import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestServer {
  /** Of its root, with a slash at the end. */
  readonly url: string
  readonly server: Server
  /** Stops it without waiting for anybody. */
  stop(): Promise<void>
}

export async function serve(listener: RequestListener): Promise<TestServer> {
  const server = createServer(listener)
  const url = await listen(server)
  return {
    url,
    server,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function listen(server: Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    })
  })
}

/** Resolves once `holds` does; rejects after a minute. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 60_000
  while (!holds()) {
    if (Date.now() > end) throw new Error(`It never came to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
