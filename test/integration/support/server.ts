import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { until } from '../../helpers/until.ts'

/** A real server on loopback whose behavior depends on the path of the request. */
export interface TestServer {
  readonly origin: string
  /** The requests that reached it. */
  readonly requests: IncomingMessage[]
  /** Answers paths that the server does not know. */
  answer: (request: IncomingMessage, response: ServerResponse) => void
  close(): Promise<void>
}

/** Waits until this many requests for the path have arrived. */
export function reached({ requests }: TestServer, path: string, times = 1): Promise<void> {
  return until(() => requests.filter(({ url }) => url === path).length >= times, `${times} of ${path}`)
}

const FIRST = 'first part, '
/** The body of `/ok`. */
export const BODY = 'first part, second part'

export async function startServer(): Promise<TestServer> {
  const sockets = new Set<Socket>()
  const http = createServer((request, response) => {
    server.requests.push(request)
    response.on('error', () => {})
    answer(request, response, () => server.answer(request, response))
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  http.on('upgrade', (request, socket) => {
    server.requests.push(request)
    socket.on('error', () => {})
    if (request.url === '/upgrade') {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\n')
    } else socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })
  http.on('connect', (_request, socket) => {
    socket.on('error', () => {})
    socket.end('HTTP/1.1 200 Connected\r\n\r\n')
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server: TestServer = {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    answer: (_request, response) => response.writeHead(404).end(),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => void http.close(resolve))
    },
  }
  return server
}

function answer(request: IncomingMessage, response: ServerResponse, otherwise: () => void): void {
  const [, what = '', detail = ''] = /^\/([\w-]+)\/?([^?]*)/.exec(request.url ?? '') ?? []
  request.resume()
  if (what === 'ok') {
    response.write(FIRST)
    response.end(BODY.slice(FIRST.length))
  } else if (what === 'json')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"price":12}')
  else if (what === 'status')
    response.writeHead(Number(detail), { 'x-detail': detail }).end(`status ${detail}`)
  else if (what === 'busy') response.writeHead(503, { 'retry-after': detail }).end()
  else if (what === 'empty') response.writeHead(204).end()
  else if (what === 'redirect') response.writeHead(302, { location: '/ok' }).end()
  else if (what === 'reset') request.socket.destroy()
  else if (what === 'cut') {
    // Announces more than it sends.
    response.writeHead(200, { 'content-length': '1000' })
    response.write(FIRST, () => setTimeout(() => request.socket.destroy(), 10))
  } else if (what === 'stall') {
    response.writeHead(200, { 'content-length': '1000' })
    response.write(FIRST)
  } else if (what === 'drip') {
    // Continues until the client disconnects.
    const timer = setInterval(() => response.write('drop '), 5)
    response.on('close', () => clearInterval(timer))
    response.writeHead(200).write('drop ')
  } else if (what === 'big') response.end(Buffer.alloc(8_000_000, 'x'))
  else if (what !== 'hang') otherwise()
}
