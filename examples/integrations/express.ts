/**
 * A shop built with Express calls another service for prices:
 *
 *   node examples/integrations/express.ts
 */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Registry } from 'prom-client'
import { expressBreakers } from 'recloser/express'
import { startFlakyService } from '../support/flaky-service.ts'

const service = await startFlakyService()

const breakers = expressBreakers({
  breaker: { failMax: 2, timeoutDuration: 200, callTimeout: 2_000 },
  register: new Registry(),
})
const app = express()
app.use('/ops', breakers.routes) // dashboard, /ops/health, /ops/metrics
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 handles their rejections
app.get('/prices/:id', breakers.protect('prices'), async (request, response) => {
  const answer = await fetch(service.url, { signal: AbortSignal.timeout(1_000) })
  if (answer.ok) response.json({ id: request.params.id, price: await answer.text() })
  else response.status(502).json({ error: 'The price service failed' })
})
app.use(breakers.errorHandler)

const server = app.listen(0, '127.0.0.1')
await once(server, 'listening')
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

async function ask(): Promise<void> {
  const response = await fetch(`${origin}/prices/7`)
  const wait = response.headers.get('retry-after')
  console.log(response.status, await response.text(), wait ? `(again in ${wait} s)` : '')
}

await ask()
service.down = true
for (let i = 0; i < 3; i++) await ask() // the third does not reach the service
service.down = false
await breakers.registry.get('prices').ready()
await ask()
console.log('health:', ((await (await fetch(`${origin}/ops/health`)).json()) as { status: string }).status)

breakers.close()
server.close()
server.closeAllConnections()
service.close()
