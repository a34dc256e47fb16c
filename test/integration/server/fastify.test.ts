import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, constants, type ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import { afterEach, describe, it } from 'node:test'
import Fastify, { type FastifyInstance, type FastifyRequest, type RouteHandlerMethod } from 'fastify'
import { fastifyBreakers } from '../../../src/integrations/server/fastify.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { until } from '../../helpers/until.ts'
import { countsOf, delay, settled } from '../support/breakers.ts'
import {
  bigParts,
  describeWebApp,
  Excluded,
  inner,
  pause,
  ROUTES,
  type WebApp,
  type WebAppOptions,
} from '../support/web.ts'

async function* parts(fails: boolean): AsyncGenerator<string> {
  yield 'first, '
  await pause()
  if (fails) throw new Error('the source failed')
  yield 'second'
}

async function* endless(): AsyncGenerator<string> {
  for (;;) {
    yield 'part '
    await delay(5)
  }
}

async function start({ handleErrors, ...options }: WebAppOptions): Promise<WebApp> {
  const breakers = fastifyBreakers(options)
  const handled: string[] = []
  const passedOn: unknown[] = []
  const root = Fastify({ forceCloseConnections: true })
  await root.register(breakers.routes, { prefix: '/ops' })
  root.setErrorHandler((error) => {
    passedOn.push(error)
    throw error
  })
  const handlers: Record<string, RouteHandlerMethod> = {
    ok: async () => 'fine',
    missing: (_, reply) => reply.code(404).send('no'),
    broken: (_, reply) => reply.code(500).send('no'),
    throw: () => {
      throw new Error('thrown at once')
    },
    reject: async () => {
      await delay(1)
      throw new Excluded('thrown later')
    },
    absent: () => {
      throw Object.assign(new Error('absent'), { statusCode: 404 })
    },
    stream: (_, reply) => reply.send(Readable.from(parts(false))),
    cut: (_, reply) => reply.send(Readable.from(parts(true))),
    endless: (_, reply) => reply.send(Readable.from(endless())),
    hang: () => {},
    late: async () => {
      await delay(150)
      return 'late'
    },
    big: (_, reply) => reply.send(Readable.from(bigParts())),
    inner: () => inner.call(() => {}),
  }
  await root.register(async (app) => {
    if (handleErrors) app.setErrorHandler(breakers.errorHandler)
    for (const [way, handler] of Object.entries(handlers)) {
      app.get(`/${way}`, { preHandler: breakers.protect('work') }, function (request, reply) {
        handled.push(way)
        return handler.call(this, request, reply)
      })
    }
    for (let route = 1; route <= ROUTES; route++) {
      app.get(`/routes/${route}`, { onRequest: breakers.protect(`route ${route}`) }, async () => 'here')
    }
  })
  const origin = await root.listen({ port: 0, host: '127.0.0.1' })
  return { origin, breakers, handled, passedOn, close: () => root.close() }
}

describeWebApp('Fastify 5', start)

describe('Fastify', () => {
  const apps: { close(): Promise<unknown> }[] = []
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))

  async function withApp(act: (app: FastifyInstance) => Promise<void>): Promise<void> {
    const app = Fastify()
    apps.push(app)
    await act(app)
  }

  it('protects a whole scope, each request once, and supports injected requests', async () => {
    const breakers = fastifyBreakers()
    await withApp(async (app) => {
      app.addHook('onRequest', breakers.protect('work'))
      app.get('/', { preHandler: breakers.protect('work') }, async () => 'fine')
      app.get('/broken', async (_, reply) => reply.code(500).send('no'))
      const breaker = breakers.registry.get('work')
      breaker.halfOpen()
      assert.equal((await app.inject('/')).body, 'fine')
      await settled(breakers.registry)
      assert.equal(breaker.state, 'closed')
      await app.inject('/broken')
      await settled(breakers.registry)
      assert.equal(breaker.failCounter, 1)
    })
  })

  it('accepts an existing breaker, or a function that returns one', async () => {
    const breakers = fastifyBreakers()
    const own = new CircuitBreaker({ name: 'own' })
    await withApp(async (app) => {
      app.get('/own', { preHandler: breakers.protect(own) }, async () => 'fine')
      const preHandler = breakers.protect((request: FastifyRequest) => {
        const { name } = request.params as { name: string }
        if (name !== 'own') throw Object.assign(new Error(`no ${name}`), { statusCode: 400 })
        return own
      })
      app.get('/found/:name', { preHandler }, async () => 'fine')
      for (const path of ['/own', '/found/own']) assert.equal((await app.inject(path)).statusCode, 200)
      assert.equal((await app.inject('/found/other')).statusCode, 400)
      assert.ok(breakers.monitor.has('own'))
      assert.equal(own.snapshot().counts.successes, 2)
    })
  })

  it('infers the request type of the route', async () => {
    const breakers = fastifyBreakers()
    await withApp(async (app) => {
      app.get<{ Params: { id: string } }>(
        '/prices/:id',
        { preHandler: breakers.protect('prices') },
        (request, reply) => {
          const id: string = request.params.id
          return reply.send(id)
        },
      )
      assert.equal((await app.inject('/prices/7')).body, '7')
    })
  })

  it('lets the Fastify request decide who may control', async () => {
    const breakers = fastifyBreakers({
      authorize: (_, request: FastifyRequest) => request.headers['x-user'] === 'ann' && request.ip !== '',
    })
    const app = Fastify({ forceCloseConnections: true })
    apps.push(app)
    await app.register(breakers.routes, { prefix: '/ops' })
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    breakers.registry.get('work')
    for (const user of ['ann', 'bob']) {
      const response = await fetch(`${origin}/ops/control`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-recloser': 'control', 'x-user': user },
        body: JSON.stringify({ id: 'work', action: 'isolate' }),
      })
      assert.equal(response.status, user === 'ann' ? 200 : 403, await response.text())
    }
    await app.close()
  })

  it('closes with the app, even while the dashboard streams', async () => {
    const breakers = fastifyBreakers()
    const app = Fastify()
    await app.register(breakers.routes, { prefix: '/ops' })
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    breakers.registry.get('work')
    const events = await fetch(`${origin}/ops/events`)
    const text = events.text()
    await app.close()
    assert.match(await text, /event: snapshot/)
    assert.equal(breakers.monitor.has('work'), false)
  })

  it('counts the outcomes of HTTP/2 requests in the same way', async () => {
    const breakers = fastifyBreakers()
    const app = Fastify({ http2: true })
    apps.push(app)
    const breaker = breakers.registry.get('work')
    app.addHook('onRequest', breakers.protect('work'))
    app.get('/ok', async () => 'fine')
    app.get('/hang', () => {})
    app.get('/endless', (_, reply) => reply.send(Readable.from(endless())))
    app.get('/cut', (_, reply) => reply.send(Readable.from(parts(true))))
    const session = connect(await app.listen({ port: 0, host: '127.0.0.1' }))
    const ask = (path: string): ClientHttp2Stream => {
      const stream = session.request({ ':path': path })
      stream.on('error', () => {})
      stream.resume()
      return stream
    }
    const counts = async (expected: string): Promise<void> => {
      await settled(breakers.registry)
      assert.equal(countsOf(breaker), expected)
    }
    await once(ask('/ok'), 'close')
    await counts('1 succeeded, 0 failed, 0 ignored, 0 rejected')
    const inFlight = (): boolean => breaker.snapshot().inFlight === 1
    const hanging = ask('/hang')
    await until(inFlight, 'a request is in flight')
    hanging.close(constants.NGHTTP2_CANCEL)
    await counts('1 succeeded, 0 failed, 1 ignored, 0 rejected')
    const endlessly = ask('/endless')
    await once(endlessly, 'data')
    endlessly.close(constants.NGHTTP2_CANCEL)
    await counts('1 succeeded, 0 failed, 2 ignored, 0 rejected')
    await once(ask('/cut'), 'close')
    await counts('1 succeeded, 1 failed, 2 ignored, 0 rejected')
    session.destroy()
    await app.close()
  })

  it('rejects invalid options', () => {
    assert.throws(() => fastifyBreakers({ nope: 1 } as object), /fastifyBreakers options.*got `nope`/)
    assert.throws(() => fastifyBreakers({ breaker: { failMax: 0 } }).protect('x'), /failMax/)
  })
})
