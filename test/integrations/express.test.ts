import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterEach, describe, it } from 'node:test'
import express from 'express'
import { Registry } from 'prom-client'
import { expressBreakers } from '../../src/integrations/express.ts'
import { CircuitBreaker } from '../../src/index.ts'
import { listen } from '../dashboard/server.ts'
import { delay, settled } from './support/breakers.ts'
import {
  BIG,
  describeWebApp,
  Excluded,
  inner,
  ROUTES,
  type WebApp,
  type WebAppOptions,
} from './support/web.ts'

interface Served {
  readonly origin: string
  readonly close: () => Promise<void>
}

const all: Served[] = []

async function serve(app: express.Express): Promise<Served> {
  const server = createServer(app)
  const url = await listen(server)
  const served = {
    origin: url.slice(0, -1),
    close: (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  all.push(served)
  return served
}

afterEach(() => Promise.all(all.splice(0).map(({ close }) => close())))

function* failingParts(): Generator<string> {
  yield 'first, '
  throw new Error('the source failed')
}

function* bigParts(): Generator<Uint8Array> {
  for (let i = 0; i < 64; i++) yield new Uint8Array(BIG)
}

async function start({ handleErrors, ...options }: WebAppOptions): Promise<WebApp> {
  const breakers = expressBreakers(options)
  const handled: string[] = []
  const passedOn: unknown[] = []
  const app = express()
  app.set('env', 'production')
  app.use('/ops', breakers.routes)

  const handlers: Record<string, express.RequestHandler> = {
    ok: (_, response) => void response.send('fine'),
    missing: (_, response) => void response.status(404).send('no'),
    broken: (_, response) => void response.status(500).send('no'),
    throw: () => {
      throw new Error('thrown at once')
    },
    reject: async () => {
      await delay(1)
      throw new Excluded('thrown later')
    },
    absent: () => {
      throw Object.assign(new Error('absent'), { status: 404 })
    },
    stream: async (_, response) => {
      response.write('first, ')
      await delay(30)
      response.end('second')
    },
    cut: async (_, response) => {
      await pipeline(Readable.from(failingParts()), response)
    },
    endless: (_, response) => {
      response.write('part ')
      const timer = setInterval(() => response.write('part '), 5)
      response.on('close', () => clearInterval(timer))
    },
    hang: () => {},
    late: async (_, response) => {
      await delay(150)
      response.send('late')
    },
    big: (_, response) => pipeline(Readable.from(bigParts()), response),
    inner: () => inner.call(() => {}),
  }
  for (const [way, handler] of Object.entries(handlers)) {
    app.get(`/${way}`, breakers.protect('work'), (request, response, next) => {
      handled.push(way)
      return handler(request, response, next)
    })
  }
  for (let route = 1; route <= ROUTES; route++) {
    app.get(
      `/routes/${route}`,
      breakers.protect(`route ${route}`),
      (_, response) => void response.send('here'),
    )
  }
  if (handleErrors) app.use(breakers.errorHandler)
  app.use(((error, _request, _response, next) => {
    passedOn.push(error)
    next(error)
  }) satisfies express.ErrorRequestHandler)
  return { ...(await serve(app)), breakers, handled, passedOn }
}

describeWebApp('Express 5', start)

describe('Express', () => {
  it('counts a request once that goes through the same breaker twice', async () => {
    const breakers = expressBreakers()
    const app = express()
    app.use(breakers.protect('work'))
    app.get('/', breakers.protect('work'), (_, response) => void response.send('fine'))
    const { origin } = await serve(app)
    const breaker = breakers.registry.get('work')
    breaker.halfOpen()
    assert.equal(await (await fetch(origin)).text(), 'fine')
    await settled(breakers.registry)
    assert.equal(breaker.state, 'closed')
  })

  it('takes a breaker of yours, or a function that finds one, whose error is an error like any other', async () => {
    const breakers = expressBreakers()
    const own = new CircuitBreaker({ name: 'own' })
    const app = express()
    app.get('/own', breakers.protect(own), (_, response) => void response.send('fine'))
    app.get(
      '/found/:name',
      breakers.protect((request: express.Request) => {
        const { name } = request.params
        if (name !== 'own') throw Object.assign(new Error(`no ${String(name)}`), { status: 400 })
        return own
      }),
      (_, response) => void response.send('fine'),
    )
    const { origin } = await serve(app)
    assert.ok(breakers.monitor.has('own'))
    assert.equal((await fetch(`${origin}/own`)).status, 200)
    assert.equal((await fetch(`${origin}/found/own`)).status, 200)
    assert.equal((await fetch(`${origin}/found/other`)).status, 400)
    assert.equal(own.snapshot().counts.successes, 2)
    breakers.close()
    assert.equal(breakers.monitor.has('own'), false)
  })

  it('infers what a route knows of its request', async () => {
    const breakers = expressBreakers()
    const app = express()
    app.get('/prices/:id', breakers.protect('prices'), (request, response) => {
      const id: string = request.params.id
      response.send(id)
    })
    const { origin } = await serve(app)
    assert.equal(await (await fetch(`${origin}/prices/7`)).text(), '7')
  })

  it('finds its metrics where it is mounted, as a router or as a route, and where it is told to be', async () => {
    for (const path of [undefined, '/internal/ops']) {
      for (const isRoute of [false, true]) {
        const breakers = expressBreakers({ register: new Registry(), path })
        const app = express()
        const router = express.Router()
        if (isRoute) app.all('/internal/ops/*rest', breakers.routes)
        else router.use('/ops', breakers.routes)
        app.use('/internal', router)
        const { origin } = await serve(app)
        const statusOf = async (at: string): Promise<number> =>
          (await fetch(`${origin}/internal/ops${at}`)).status
        assert.deepEqual([await statusOf('/metrics'), await statusOf('/health')], [200, 200])
        if (!isRoute || path !== undefined) assert.equal(await statusOf('/deep/metrics'), 404)
        breakers.close()
      }
    }
  })

  it('refuses bad options', () => {
    assert.throws(
      () => expressBreakers({ breakers: {} } as object),
      /expressBreakers options.*got `breakers`/,
    )
    assert.throws(() => expressBreakers({ breaker: { failMax: 0 } }).protect('x'), /failMax/)
    assert.throws(() => expressBreakers({ path: 'ops' }), /Expected `path`/)
    assert.throws(
      () => expressBreakers({ monitor: {} as never }),
      /Expected `monitor` to be a CircuitBreakerMonitor/,
    )
    assert.throws(() => expressBreakers({ register: {} as never }), /Expected `register`/)
    assert.throws(() => expressBreakers().protect(7 as never), /a name, a CircuitBreaker or a function/)
    const breaker = { failMax: 3 }
    assert.throws(
      () => expressBreakers({ breaker, registry: expressBreakers().registry }),
      /Expected `breaker` to be left out/,
    )
  })
})
