/**
 * A shop built with Hono, called without a server, calls another service for prices:
 *
 *   node examples/integrations/hono.ts
 */
import { Hono } from 'hono'
import { Registry } from 'prom-client'
import { honoBreakers } from 'recloser/hono'
import { startFlakyService } from '../support/flaky-service.ts'

const service = await startFlakyService()

const breakers = honoBreakers({
  breaker: { failMax: 2, timeoutDuration: 200, callTimeout: 2_000 },
  register: new Registry(),
})
const app = new Hono()
app.all('/ops/*', breakers.routes) // dashboard, /ops/health, /ops/metrics
app.onError(breakers.errorHandler)
app.get('/prices/:id', breakers.protect('prices'), async (c) => {
  const answer = await fetch(service.url, { signal: AbortSignal.timeout(1_000) })
  if (!answer.ok) return c.json({ error: 'The price service failed' }, 502)
  return c.json({ id: c.req.param('id'), price: await answer.text() })
})

async function ask(): Promise<void> {
  const response = await app.request('/prices/7')
  const wait = response.headers.get('retry-after')
  console.log(response.status, await response.text(), wait ? `(again in ${wait} s)` : '')
}

await ask()
service.down = true
for (let i = 0; i < 3; i++) await ask() // the third does not reach the service
service.down = false
await breakers.registry.get('prices').ready()
await ask()
console.log('health:', ((await (await app.request('/ops/health')).json()) as { status: string }).status)

breakers.close()
service.close()
