// On Node alone: Bun has an undici of its own, which calls no interceptors.
import { serve as serveHono } from '@hono/node-server'
import { create, getAdapter } from 'axios'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { Agent, fetch as undiciFetch, request as undiciRequest } from 'undici'
import { breakerAdapter } from '../../../src/integrations/http/axios.ts'
import { breakerFetch } from '../../../src/integrations/http/fetch.ts'
import { breakerInterceptor } from '../../../src/integrations/http/undici.ts'
import { expressBreakers } from '../../../src/integrations/server/express.ts'
import { fastifyBreakers } from '../../../src/integrations/server/fastify.ts'
import { honoBreakers } from '../../../src/integrations/server/hono.ts'
import {
  CircuitBreakerRegistry,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from '../../../src/index.ts'
import { inFlight, settled } from '../support/breakers.ts'
import { serve } from '../support/express.ts'
import { BODY } from '../support/server.ts'
import { clock, server, useServer } from '../support/own-server.ts'

useServer()

interface Chain {
  readonly registry: CircuitBreakerRegistry
  readonly breaker: CircuitBreaker
  /** Sends a request that passes the breaker twice. Returns its body, or throws. */
  send(path: '/ok' | '/status/503', method?: string): Promise<string>
}

const options = (): CircuitBreakerOptions => ({ clock, failMax: 1, timeoutDuration: 1_000 })

/** A handler behind a route that is protected by the breaker, which calls through the breaker itself. */
async function handle(breaker: CircuitBreaker, query: string): Promise<string> {
  return breaker.run(async () => {
    const response = await fetch(`${server.origin}${query}`)
    if (!response.ok) throw new Error(`status ${response.status}`)
    return response.text()
  })
}

/** A chain through a server, whose handlers answer by the path in the header `x-path`. */
function through(registry: CircuitBreakerRegistry, origin: string): Chain {
  return {
    registry,
    breaker: registry.get('work'),
    async send(path, method = 'GET') {
      const headers = { 'x-path': path, 'content-type': 'application/json' }
      const init =
        method === 'POST' ? { method, headers, body: JSON.stringify('x'.repeat(200_000)) } : { headers }
      const response = await fetch(`${origin}/`, init)
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      return text
    },
  }
}

const pathOf = (header: unknown): string => String(header)

const CHAINS: Record<string, (test: TestContext) => Promise<Chain>> = {
  async 'an Express handler under protect, before a body parser'() {
    const { registry, protect } = expressBreakers({ breaker: options })
    const app = express().use(protect('work'), express.json({ strict: false, limit: '1mb' }))
    app.all('/', (request, response, next) => {
      handle(registry.get('work'), pathOf(request.headers['x-path'])).then(
        (body) => response.send(body),
        next,
      )
    })
    app.set('env', 'test').use(((_error, _request, response, _next) => {
      response.status(500).send('failed')
    }) satisfies express.ErrorRequestHandler)
    return through(registry, (await serve(app)).origin)
  },
  async 'an Express handler under protect, whose error the handler catches'() {
    const { registry, protect } = expressBreakers({ breaker: options })
    const app = express()
    app.all('/', protect('work'), (request, response) => {
      handle(registry.get('work'), pathOf(request.headers['x-path'])).then(
        (body) => response.send(body),
        () => response.status(404).send('nothing there'),
      )
    })
    return through(registry, (await serve(app)).origin)
  },
  async 'a Fastify handler under protect'(test) {
    return fastify(test, 'preHandler')
  },
  async 'a Fastify handler under protect, before the body is parsed'(test) {
    return fastify(test, 'onRequest')
  },
  async 'a Hono handler under protect'(test) {
    return hono(test, options)
  },
  async 'a Hono handler under protect, with a callTimeout'(test) {
    return hono(test, () => ({ ...options(), callTimeout: 60_000 }))
  },
  async 'the undici interceptor under breakerFetch'(test) {
    const registry = new CircuitBreakerRegistry({ options })
    const dispatcher = new Agent().compose(breakerInterceptor({ registry }))
    test.after(() => dispatcher.destroy())
    const guarded = breakerFetch(undiciFetch as unknown as typeof fetch, { registry })
    return ofFetch(registry, (path) => guarded(`${server.origin}${path}`, { dispatcher } as RequestInit))
  },
  async 'the undici interceptor twice'(test) {
    const registry = new CircuitBreakerRegistry({ options })
    const dispatcher = new Agent().compose(breakerInterceptor({ registry }), breakerInterceptor({ registry }))
    test.after(() => dispatcher.destroy())
    return {
      registry,
      breaker: registry.get(server.origin),
      async send(path) {
        const { statusCode, body } = await undiciRequest(`${server.origin}${path}`, { dispatcher })
        const text = await body.text()
        if (statusCode >= 500) throw new Error(text)
        return text
      },
    }
  },
  async 'breakerFetch over breakerFetch'() {
    const registry = new CircuitBreakerRegistry({ options })
    const guarded = breakerFetch(breakerFetch(fetch, { registry }), { registry })
    return ofFetch(registry, (path) => guarded(`${server.origin}${path}`))
  },
  async 'the fetch adapter of axios over a guarded global fetch'(test) {
    const registry = new CircuitBreakerRegistry({ options })
    const { fetch: before } = globalThis
    globalThis.fetch = breakerFetch(before, { registry })
    test.after(() => void (globalThis.fetch = before))
    const env = { fetch: globalThis.fetch, Request, Response }
    const adapter = breakerAdapter(getAdapter('fetch', { env } as never), { registry })
    const client = create({ adapter, baseURL: server.origin, env } as Parameters<typeof create>[0])
    return {
      registry,
      breaker: registry.get(server.origin),
      send: async (path) => (await client.get<string>(path)).data,
    }
  },
}

async function fastify(test: TestContext, hook: 'onRequest' | 'preHandler'): Promise<Chain> {
  const { registry, protect } = fastifyBreakers({ breaker: options })
  const app = Fastify()
  app.route({
    method: ['GET', 'POST'],
    url: '/',
    [hook]: protect('work'),
    handler: (request) => handle(registry.get('work'), pathOf(request.headers['x-path'])),
  })
  test.after(() => app.close())
  return through(registry, await app.listen({ port: 0, host: '127.0.0.1' }))
}

async function hono(test: TestContext, breaker: () => CircuitBreakerOptions): Promise<Chain> {
  const { registry, protect } = honoBreakers({ breaker })
  const app = new Hono()
  app.all('/', protect('work'), async (c) => {
    if (c.req.method === 'POST') await c.req.json()
    return c.text(await handle(registry.get('work'), pathOf(c.req.header('x-path'))))
  })
  app.onError((_error, c) => c.text('failed', 500))
  const http = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  if (!http.listening) await once(http, 'listening')
  test.after(() => void http.close())
  return through(registry, `http://127.0.0.1:${(http.address() as AddressInfo).port}`)
}

function ofFetch(registry: CircuitBreakerRegistry, send: (path: string) => Promise<Response>): Chain {
  return {
    registry,
    breaker: registry.get(server.origin),
    async send(path) {
      const response = await send(path)
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      return text
    },
  }
}

describe('S5: a request that passes the same breaker twice', () => {
  for (const [title, start] of Object.entries(CHAINS)) {
    it(`S5: recovers after one outage, and counts once as a probe: ${title}`, async (test) => {
      const { registry, breaker, send } = await start(test)
      await assert.rejects(send('/status/503'))
      await settled(registry)
      assert.equal(breaker.state, 'open')

      clock.advance(1_000)
      await assert.rejects(send('/status/503'))
      await settled(registry)
      assert.equal(breaker.state, 'open', 'the dependency is still down')
      assert.equal(breaker.snapshot().attempt, 2)

      clock.advance(1_000)
      const before = breaker.snapshot()
      for (const method of title.includes('handler') ? ['POST', 'GET'] : ['GET']) {
        assert.equal(await send('/ok', method), BODY)
        await settled(registry)
        assert.equal(breaker.state, 'closed')
        breaker.halfOpen()
      }
      const { ignored, rejected, late } = breaker.snapshot()
      assert.deepEqual([ignored, rejected, late], [before.ignored, before.rejected, before.late])
      assert.equal(inFlight(registry), 0)
    })

    it(`S5: counts once while the circuit is closed: ${title}`, async (test) => {
      const { registry, breaker, send } = await start(test)
      breaker.configure({ failMax: 2 })
      assert.equal(await send('/ok'), BODY)
      await settled(registry)
      assert.deepEqual(breaker.snapshot().counts, { calls: 1, successes: 1, failures: 0, slow: 0 })
      await assert.rejects(send('/status/503'))
      await settled(registry)
      assert.deepEqual(breaker.snapshot().counts, { calls: 2, successes: 1, failures: 1, slow: 0 })
      const { state, ignored, late } = breaker.snapshot()
      assert.deepEqual([state, ignored, late, inFlight(registry)], ['closed', 0, 0, 0])
      await assert.rejects(send('/status/503'))
      await settled(registry)
      assert.equal(breaker.state, 'open')
    })
  }
})
