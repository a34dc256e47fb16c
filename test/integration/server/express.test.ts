import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import express from 'express'
import { Registry } from 'prom-client'
import { expressBreakers } from '../../../src/integrations/server/express.ts'
import { CircuitBreaker } from '../../../src/index.ts'
import { settled } from '../support/breakers.ts'
import { serve, startExpress } from '../support/express.ts'
import { describeWebApp } from '../support/web.ts'

describeWebApp('Express 5', (options) => startExpress(express, false, options))

describe('Express', () => {
  it('counts a request that passes the same breaker twice once', async () => {
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

  it('accepts an existing breaker, or a function that returns one, whose error is handled as usual', async () => {
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

  it('infers the request type of the route', async () => {
    const breakers = expressBreakers()
    const app = express()
    app.get('/prices/:id', breakers.protect('prices'), (request, response) => {
      const id: string = request.params.id
      response.send(id)
    })
    const { origin } = await serve(app)
    assert.equal(await (await fetch(`${origin}/prices/7`)).text(), '7')
  })

  it('finds its metrics below its mount path, as a router or as a route, and below a configured path', async () => {
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

  it('rejects invalid options', () => {
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
