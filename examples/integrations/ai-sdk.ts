/**
 * A chat calls an overloaded provider and falls back to another one until the first recovers. Both speak OpenAI's
 * protocol, on this machine:
 *
 *   node examples/integrations/ai-sdk.ts
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { streamText } from 'ai'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exponentialBackoff, honorRetryAfter } from 'recloser'
import { fallback } from 'recloser/ai-sdk'
import { CircuitBreakerMonitor } from 'recloser/monitor'

let overloaded = true
let asked = 0
const first = await serve((response) => {
  asked++
  if (overloaded) response.writeHead(529).end('{ "error": { "message": "Overloaded" } }')
  else stream(response, 'the first')
})
const second = await serve((response) => stream(response, 'the second'))

const models = [first, second].map(({ baseURL }, index) =>
  createOpenAICompatible({ name: `provider-${index + 1}`, baseURL }).chatModel('small'),
)
const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 2_000, max: 60_000 }))
const model = fallback(models, { breaker: { failMax: 2, callTimeout: 30_000, timeoutDuration } })
const monitor = new CircuitBreakerMonitor()
monitor.watch(model.registry)

async function chat(): Promise<void> {
  const result = streamText({ model, prompt: 'Who are you?' })
  console.log(await result.text)
}

for (let call = 1; call <= 4; call++) await chat()
console.log(`the first was asked ${asked} times; ${monitor.transitions.map(({ to }) => to).join()}`)
overloaded = false
await new Promise((resolve) => setTimeout(resolve, 2_050))
await chat()
console.log(monitor.transitions.map(({ to }) => to).join())

for (const { server } of [first, second]) {
  server.closeAllConnections()
  server.close()
}

async function serve(answer: (response: ServerResponse) => void) {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1` }
}

function stream(response: ServerResponse, who: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const parts: [object, string | null][] = [
    [{ role: 'assistant', content: 'I am ' }, null],
    [{ content: who }, null],
    [{}, 'stop'],
  ]
  for (const [delta, finish_reason] of parts) {
    const choices = [{ index: 0, delta, finish_reason }]
    const chunk = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'small', choices }
    response.write(`data: ${JSON.stringify(chunk)}\n\n`)
  }
  response.end('data: [DONE]\n\n')
}
