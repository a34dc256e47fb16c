/**
 * A shop calls two services through one guarded fetch. When one of them goes down, the other is unaffected.
 *
 *   node examples/integrations/fetch.ts
 */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
import { breakerFetch } from 'recloser/fetch'
import { CircuitBreakerMonitor } from 'recloser/monitor'

let down = false
const prices = await serve(() => (down ? 503 : 200))
const stock = await serve(() => 200)

const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 200, max: 60_000 }))
const guarded = breakerFetch(fetch, { breaker: { failMax: 3, callTimeout: 2_000, timeoutDuration } })
const monitor = new CircuitBreakerMonitor()
monitor.watch(guarded.registry)

async function ask(origin: string): Promise<string> {
  try {
    const response = await guarded(origin)
    return `${response.status} ${response.ok ? await response.text() : '(failed)'}`
  } catch (error) {
    if (!isCircuitBreakerError(error)) throw error
    return `not asked: ${error.message}`
  }
}

console.log('prices:', await ask(prices.origin))
down = true
for (let call = 1; call <= 4; call++) console.log('prices:', await ask(prices.origin))
console.log('stock: ', await ask(stock.origin))
down = false
await guarded.registry.get(prices.origin).ready()
console.log('prices:', await ask(prices.origin))
for (const { from, to, reason } of monitor.transitions) console.log(`${from} > ${to} (${reason})`)

for (const { server } of [prices, stock]) {
  server.closeAllConnections()
  server.close()
}

async function serve(status: () => number): Promise<{ server: Server; origin: string }> {
  const server = createServer((_request, response) => response.writeHead(status()).end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
