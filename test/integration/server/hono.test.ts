import { serve } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { stream } from 'hono/streaming'
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { honoBreakers, type HonoBreakers } from '../../../src/integrations/server/hono.ts'
import { CircuitBreaker, CircuitBreakerRegistry } from '../../../src/index.ts'
import { stop } from '../../helpers/server.ts'
import { countsOf, delay, settled } from '../support/breakers.ts'
import {
  BIG,
  describeWebApp,
  Excluded,
  inner,
  pause,
  ROUTES,
  type WebApp,
  type WebAppOptions,
} from '../support/web.ts'

const encoder = new TextEncoder()

function failing(): ReadableStream<Uint8Array> {
  let pulls = 0
  return new ReadableStream(
    {
      async pull(controller) {
        if (pulls++ === 0) return controller.enqueue(encoder.encode('first, '))
        await delay(20)
        throw new Error('the source failed')
      },
    },
    { highWaterMark: 0 },
  )
}

function bigSource(): UnderlyingDefaultSource<Uint8Array> {
  let parts = 0
  return { pull: (to) => (parts++ < 64 ? to.enqueue(new Uint8Array(BIG)) : to.close()) }
}

type Handler = (c: Context) => Response | Promise<Response>

const handlers: Record<string, Handler> = {
  ok: (c) => c.text('fine'),
  missing: (c) => c.text('no', 404),
  broken: (c) => c.text('no', 500),
  throw: () => {
    throw new Error('thrown at once')
  },
  reject: async () => {
    await delay(1)
    throw new Excluded('thrown later')
  },
  absent: () => {
    throw new HTTPException(404)
  },
  stream: (c) =>
    stream(c, async (body) => {
      await body.write('first, ')
      await pause()
      await body.write('second')
    }),
  cut: () => new Response(failing()),
  endless: (c) =>
    stream(c, async (body) => {
      while (!body.aborted) {
        await body.write('part ')
        await delay(5)
      }
    }),
  hang: () => new Promise<Response>(() => {}),
  late: async (c) => {
    await delay(150)
    return c.text('late')
  },
  big: () => new Response(new ReadableStream(bigSource(), { highWaterMark: 0 })),
  inner: async (c) => c.text(await inner.call(() => 'never')),
}

interface App {
  readonly app: Hono
  readonly breakers: HonoBreakers
  readonly handled: string[]
  readonly passedOn: unknown[]
}

function build({ handleErrors, ...options }: WebAppOptions): App {
  const breakers = honoBreakers(options)
  const handled: string[] = []
  const passedOn: unknown[] = []
  const app = new Hono()
  app.all('/ops/*', breakers.routes)
  for (const [way, handler] of Object.entries(handlers)) {
    app.get(`/${way}`, breakers.protect('work'), (c) => {
      handled.push(way)
      return handler(c)
    })
  }
  for (let route = 1; route <= ROUTES; route++) {
    app.get(`/routes/${route}`, breakers.protect(`route ${route}`), (c) => c.text('here'))
  }
  if (handleErrors) {
    app.onError((error, c) => {
      const response = breakers.errorHandler(error, c)
      if (!('code' in error) && !('getResponse' in error)) passedOn.push(error)
      return response
    })
  }
  return { app, breakers, handled, passedOn }
}

async function start(options: WebAppOptions): Promise<WebApp> {
  const { app, ...rest } = build(options)
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  await once(server, 'listening')
  return {
    ...rest,
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => stop(server),
  }
}

describeWebApp('Hono 4 on Node', start)

describe('Hono without a server', () => {
  it('answers, rejects and maps errors', async () => {
    const { app, breakers } = build({ breaker: { failMax: 2 }, handleErrors: true })
    const breaker = breakers.registry.get('work')
    assert.equal(await (await app.request('/ok')).text(), 'fine')
    assert.equal((await app.request('/ok', { method: 'HEAD' })).status, 200)
    for (let i = 0; i < 2; i++) assert.equal((await app.request('/broken')).status, 500)
    const rejected = await app.request('/ok')
    assert.deepEqual([rejected.status, rejected.headers.get('retry-after')], [503, '60'])
    assert.deepEqual(breaker.snapshot().inFlight, 0)
    assert.equal((await app.request('/ops/health')).status, 200)
  })

  it('keeps the headers of a response whose body it watches', async () => {
    const breakers = honoBreakers()
    const app = new Hono()
    app.get('/', breakers.protect('work'), (c) => {
      c.header('set-cookie', 'a=1', { append: true })
      c.header('set-cookie', 'b=2', { append: true })
      return c.json({ price: 12 }, 201, { 'x-own': 'yes' })
    })
    const response = await app.request('/')
    assert.equal(response.status, 201)
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.deepEqual(
      [response.headers.get('content-type'), response.headers.get('x-own')],
      ['application/json', 'yes'],
    )
    assert.deepEqual(await response.json(), { price: 12 })
  })

  it('does not wait for a body that nobody reads', async () => {
    const breakers = honoBreakers({ releaseAfter: 20 })
    const breaker = breakers.registry.get('work')
    const app = new Hono()
    app.get('/text', breakers.protect('work'), (c) => c.text('fine'))
    app.get(
      '/parts',
      breakers.protect('work'),
      () => new Response(new Blob(['x'.repeat(1_000_000)]).stream()),
    )
    await app.request('/text')
    await settled(breakers.registry, 15)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    const response = await app.request('/parts')
    assert.equal(breaker.snapshot().inFlight, 1)
    await settled(breakers.registry)
    assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
    assert.equal((await response.text()).length, 1_000_000)
  })

  it('an aborted signal counts as a client that leaves, before and during the answer', async () => {
    const { app, breakers } = build({})
    const controller = new AbortController()
    void app.request(new Request('http://localhost/hang', { signal: controller.signal }))
    await delay(1)
    assert.equal(breakers.registry.get('work').snapshot().inFlight, 1)
    controller.abort()
    await app.request(new Request('http://localhost/ok', { signal: controller.signal }))
    assert.equal(countsOf(breakers.registry.get('work')), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
    const response = await app.request('/endless')
    await response.body?.cancel()
    assert.equal(countsOf(breakers.registry.get('work')), '0 succeeded, 0 failed, 3 ignored, 0 rejected')
  })

  it('a thrown value that is not an error is a failure too', async () => {
    const breakers = honoBreakers()
    const app = new Hono()
    app.get('/', breakers.protect('work'), () => {
      throw 'a string' as unknown as Error
    })
    await assert.rejects(async () => app.request('/'))
    assert.equal(countsOf(breakers.registry.get('work')), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
  })

  it('counts a request that passes the same breaker twice once', async () => {
    const breakers = honoBreakers()
    const app = new Hono()
    app.use(breakers.protect('work'))
    app.get('/', breakers.protect('work'), (c) => c.text('fine'))
    const breaker = breakers.registry.get('work')
    breaker.halfOpen()
    assert.equal(await (await app.request('/')).text(), 'fine')
    assert.equal(breaker.state, 'closed')
  })

  it('accepts an existing breaker, or a function that returns one', async () => {
    const breakers = honoBreakers()
    const own = new CircuitBreaker({ name: 'own' })
    const app = new Hono()
    app.get('/own', breakers.protect(own), (c) => c.text('fine'))
    const found = breakers.protect((c) => {
      if (c.req.param('name') !== 'own') throw new HTTPException(400)
      return own
    })
    app.get('/found/:name', found, (c) => {
      const name: string = c.req.param('name')
      return c.text(name)
    })
    for (const path of ['/own', '/found/own'])
      assert.equal((await (await app.request(path)).text()).length > 0, true)
    assert.equal((await app.request('/found/other')).status, 400)
    assert.ok(breakers.monitor.has('own'))
    assert.equal(own.snapshot().counts.successes, 2)
  })

  it('lets the context decide who may control', async () => {
    const breakers = honoBreakers({ authorize: (_, c: Context) => c.req.header('x-user') === 'ann' })
    const app = new Hono()
    app.all('/ops/*', breakers.routes)
    breakers.registry.get('work')
    for (const user of ['ann', 'bob']) {
      const response = await app.request('/ops/control', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-recloser': 'control', 'x-user': user },
        body: JSON.stringify({ id: 'work', action: 'isolate' }),
      })
      assert.equal(response.status, user === 'ann' ? 200 : 403)
    }
  })

  it('rejects invalid options', () => {
    assert.throws(() => honoBreakers({ nope: 1 } as object), /honoBreakers options.*got `nope`/)
    assert.throws(() => honoBreakers(7 as never), /Expected `honoBreakers options` to be an object/)
    assert.throws(() => honoBreakers(new Map() as never), /an object with known options, got `Map`/)
    class Config {
      get registry(): CircuitBreakerRegistry {
        return registry
      }
    }
    const registry = new CircuitBreakerRegistry()
    assert.equal(honoBreakers(new Config()).registry, registry)
    assert.throws(() => honoBreakers({ releaseAfter: 0 }), /Expected `releaseAfter` to be a positive/)
    assert.throws(() => honoBreakers({ breaker: { failMax: 0 } }).protect('x'), /failMax/)
  })
})
