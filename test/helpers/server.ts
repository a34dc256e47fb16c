import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestServer {
  /** Of its root, with a slash at the end. */
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Stops it without waiting for anybody. */
  stop(): Promise<void>
}

/** A server on loopback; on a port of its own, or on that of one that has been stopped. */
export async function serve(listener: RequestListener, port = 0): Promise<TestServer> {
  const server = createServer(listener)
  const url = await listen(server, port)
  return { url, port: Number(new URL(url).port), server, stop: () => stop(server) }
}

/** The URL of its root, with a slash at the end. */
export function listen(server: Server, port = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    })
  })
}

/** Resolves when it is closed. Nobody is waited for. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
