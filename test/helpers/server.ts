import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestServer {
  /** The URL of its root, with a trailing slash. */
  readonly url: string
  readonly port: number
  readonly server: Server
  /** Stops the server without waiting for open connections. */
  stop(): Promise<void>
}

/** Starts a server on loopback, on a free port or on that of a server that has been stopped. */
export async function serve(listener: RequestListener, port = 0): Promise<TestServer> {
  const server = createServer(listener)
  const url = await listen(server, port)
  return { url, port: Number(new URL(url).port), server, stop: () => stop(server) }
}

/** Starts listening on loopback, and resolves with the URL of the root, with a trailing slash. */
export function listen(server: Server, port = 0): Promise<string> {
  return new Promise((resolve, reject) => {
    server.on('error', reject)
    server.listen(port, '127.0.0.1', () => {
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    })
  })
}

/** Resolves when the server is closed. It closes open connections rather than wait for them. */
export function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
