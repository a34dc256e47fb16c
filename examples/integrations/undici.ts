/**
 * Every request of a process goes through a circuit breaker per origin, and retries stop when the circuit opens.
 *
 *   node examples/integrations/undici.ts
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
import { breakerInterceptor } from 'recloser/undici'
import { Agent, getGlobalDispatcher, interceptors, request, setGlobalDispatcher } from 'undici'

let requests = 0
const server = createServer((_request, response) => {
  requests++
  response.writeHead(503, { 'retry-after': '90' }).end()
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

// The last interceptor is the outermost, so each attempt of a retry is a call of its own.
const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000 }))
const breaker = breakerInterceptor({ breaker: { failMax: 3, callTimeout: 2_000, timeoutDuration } })
const retry = interceptors.retry({ maxRetries: 10, minTimeout: 10, retryAfter: false })
setGlobalDispatcher(new Agent().compose(breaker, retry))

try {
  await request(url)
} catch (error) {
  if (!isCircuitBreakerError(error)) throw error
  console.log(`${requests} of 11 attempts reached the server`)
  console.log(`the next one may in ${Math.round(error.retryAfter / 1_000)} s, as it asked for`)
}

await getGlobalDispatcher().close()
server.close()
