/**
 * A shop built with Fastify calls another service for prices:
 *
 *   node examples/integrations/fastify.ts
 */
import Fastify from 'fastify'
import { Registry } from 'prom-client'
import { fastifyBreakers } from 'recloser/fastify'
import { startFlakyService } from '../support/flaky-service.ts'

const service = await startFlakyService()

const breakers = fastifyBreakers({
  breaker: { failMax: 2, timeoutDuration: 200, callTimeout: 2_000 },
  register: new Registry(),
})
const app = Fastify()
await app.register(breakers.routes, { prefix: '/ops' }) // dashboard, /ops/health, /ops/metrics
app.setErrorHandler(breakers.errorHandler)
app.get<{ Params: { id: string } }>(
  '/prices/:id',
  { preHandler: breakers.protect('prices') },
  async (request, reply) => {
    const answer = await fetch(service.url, { signal: AbortSignal.timeout(1_000) })
    if (!answer.ok) return reply.code(502).send({ error: 'The price service failed' })
    return { id: request.params.id, price: await answer.text() }
  },
)
const origin = await app.listen({ port: 0, host: '127.0.0.1' })

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

await app.close() // also closes the breakers
service.close()
