/**
 * An axios client whose requests go through a circuit breaker per origin, with the last known answer as a fallback.
 *
 *   node examples/integrations/axios.ts
 */
import axios, { create, getAdapter } from 'axios'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exponentialBackoff, honorRetryAfter, isCircuitBreakerError } from 'recloser'
import { breakerAdapter } from 'recloser/axios'

let down = false
const server = createServer((_request, response) =>
  response.writeHead(down ? 500 : 200).end(down ? '' : '{"price":12}'),
).listen(0, '127.0.0.1')
await once(server, 'listening')
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 1_000, max: 60_000 }))
const adapter = breakerAdapter(getAdapter(axios.defaults.adapter), {
  breaker: { failMax: 2, callTimeout: 2_000, timeoutDuration },
})
const shop = create({ baseURL, adapter })

let lastPrice = NaN

async function priceOf(): Promise<string> {
  try {
    const { data } = await shop.get<{ price: number }>('/price')
    lastPrice = data.price
    return `${lastPrice}`
  } catch (error) {
    return `${lastPrice}, the last one known (${isCircuitBreakerError(error) ? 'not asked' : String(error)})`
  }
}

console.log(await priceOf())
down = true
for (let call = 1; call <= 3; call++) console.log(await priceOf())
console.log(adapter.registry.get(baseURL).state)

server.closeAllConnections()
server.close()
