import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Answers the requests of the smoke test to a real server. Returns whether the request was one of them. */
export function answerSmoke({ url }: IncomingMessage, response: ServerResponse): boolean {
  if (url === '/real/ok') response.end('hello')
  else if (url === '/real/busy') response.writeHead(503, { 'retry-after': '90' }).end()
  else if (url === '/real/cut') {
    // Announces more than it sends.
    response.writeHead(200, { 'content-length': '1000' })
    response.write('a part', () => setTimeout(() => response.destroy(), 20))
  } else return false
  return true
}

/** Runs a real server for a runtime that has none of its own. */
export async function withRealServer<T>(use: (origin: string) => Promise<T>): Promise<T> {
  const listener: RequestListener = (request, response) => {
    if (!answerSmoke(request, response)) response.writeHead(404).end()
  }
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
