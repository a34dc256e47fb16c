import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import {
  connect as connectHttp2,
  createServer as createHttp2Server,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import express from 'express'
import Fastify from 'fastify'
import {
  createDashboard,
  type Dashboard,
  type DashboardOptions,
} from '../../../../src/dashboard/server/index.ts'
import type { CircuitBreaker } from '../../../../src/index.ts'
import { EventReader } from './events.ts'
import { listen, serve } from '../../../helpers/server.ts'
import { watched } from './watched.ts'

interface Mounted {
  /** The URL of the dashboard, with a trailing slash. */
  readonly url: string
  readonly stop: () => Promise<unknown>
}

/** Asserts that everything works on the dashboard at `url`. */
async function works(url: string, breaker: CircuitBreaker): Promise<void> {
  const page = await fetch(url)
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  const html = await page.text()
  for (const [, file] of html.matchAll(/(?:src|href)="([^"#]*)"/g)) {
    if (!file || file.startsWith('data:')) continue
    const loaded = await fetch(new URL(file, url))
    assert.equal(loaded.status, 200, file)
    await loaded.text()
  }
  for (const path of ['snapshot', 'health']) assert.equal((await fetch(url + path)).status, 200, path)
  const query = await fetch(`${url}health?from=probe`)
  assert.equal(query.status, 200)
  assert.equal((await fetch(`${url}nope`)).status, 404)

  const events = new EventReader(await fetch(`${url}events`))
  assert.equal((await events.find('snapshot')).control, true)
  const control = await fetch(`${url}control`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-recloser': 'control' },
    body: JSON.stringify({ id: 'payments', action: 'isolate', reason: 'maintenance' }),
  })
  assert.equal(control.status, 200, await control.text())
  assert.equal(breaker.state, 'isolated')
  assert.equal((await events.find('transition')).reason, 'maintenance')
  await events.find('update')
  await events.cancel()

  const bare = url.slice(0, -1)
  const redirect = await fetch(`${bare}?theme=dark`, { redirect: 'manual', headers: { accept: 'text/html' } })
  assert.equal(redirect.status, 307)
  assert.equal(new URL(redirect.headers.get('location') ?? '', bare).href, `${url}?theme=dark`)
}

describe('a dashboard', () => {
  let breaker: CircuitBreaker
  let dashboard: Dashboard
  let mounted: Mounted | undefined
  afterEach(async () => {
    dashboard.close()
    await mounted?.stop()
    mounted = undefined
  })

  function create(options?: DashboardOptions): Dashboard {
    const { monitor, breakers } = watched('payments')
    breaker = breakers[0]!
    return (dashboard = createDashboard(monitor, { authorize: () => true, ...options }))
  }

  async function mountInHttp(path: string, options?: DashboardOptions): Promise<void> {
    const { node } = create(options)
    const { url, stop } = await serve(node)
    mounted = { url: `${url.slice(0, -1)}${path}/`, stop }
  }

  async function mountInExpress(mount: (app: express.Express) => void, path: string): Promise<void> {
    const app = express()
    mount(app)
    app.use((_, response) => void response.status(418).end())
    const server = createServer(app)
    const url = await listen(server)
    const stop = (): Promise<void> =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
    mounted = { url: `${url.slice(0, -1)}${path}/`, stop }
  }

  it('works below any path in http without knowing the path', async () => {
    await mountInHttp('/any/where')
    await works(mounted!.url, breaker)
  })

  it('works below the given path, and nowhere else', async () => {
    await mountInHttp('/ops', { path: '/ops/' })
    await works(mounted!.url, breaker)
    const { origin } = new URL(mounted!.url)
    for (const path of ['/', '/snapshot', '/opsx/snapshot', '/ops/ops/', '/ops/deep/snapshot']) {
      const response = await fetch(origin + path, { redirect: 'manual', headers: { accept: 'text/html' } })
      assert.equal(response.status, 404, path)
    }
  })

  it('works in the root', async () => {
    const { node } = create({ path: '/' })
    const { url, stop } = await serve(node)
    mounted = { url, stop }
    assert.equal((await fetch(`${url}snapshot`)).status, 200)
    assert.equal((await fetch(url)).status, 200)
    assert.equal((await fetch(`${url}ops/`)).status, 404)
  })

  it('never redirects to another host', async () => {
    await mountInHttp('')
    for (const path of ['//evil.example', '/%5C%5Cevil.example', '/x//evil.example', '/https:evil.example']) {
      const response = await fetch(new URL(mounted!.url).origin + path, {
        redirect: 'manual',
        headers: { accept: 'text/html' },
      })
      assert.equal(response.status, 307, path)
      const from = new URL(mounted!.url).origin + path
      assert.equal(
        new URL(response.headers.get('location') ?? '', from).host,
        new URL(mounted!.url).host,
        path,
      )
    }
  })

  it('works in http2', async () => {
    const { node } = create()
    const server = createHttp2Server(node).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    mounted = {
      url: '',
      stop: () => {
        session.close()
        return new Promise((resolve) => server.close(resolve))
      },
    }
    async function ask(headers: OutgoingHttpHeaders, body?: string): Promise<string> {
      const stream = session.request(headers)
      stream.end(body)
      let text = ''
      stream.on('data', (chunk: Uint8Array) => (text += new TextDecoder().decode(chunk)))
      await once(stream, 'close')
      return text
    }
    assert.match(await ask({ ':path': '/ops/health' }), /^\{"status":"up"/)
    const events = ask({ ':path': '/ops/events' })
    const headers = { ':path': '/ops/control', ':method': 'POST', 'content-type': 'application/json' }
    const command = '{"id":"payments","action":"isolate","reason":"maintenance"}'
    assert.match(await ask({ ...headers, 'x-recloser': 'control' }, command), /^\{"changed":true/)
    dashboard.close()
    assert.match(
      await events,
      /^retry: 1000\nevent: snapshot\n.*\nevent: transition\n.*"reason":"maintenance"/s,
    )
  })

  it('can be mounted in Express 5, which strips the path', async () => {
    await mountInExpress((app) => app.use('/ops', create().node), '/ops')
    await works(mounted!.url, breaker)
    // Express says where the dashboard is mounted, so it redirects from there, and from nowhere else.
    const { status } = await fetch(mounted!.url.slice(0, -1), { redirect: 'manual' })
    assert.equal(status, 307)
    const astray = await fetch(`${mounted!.url}nope`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    })
    assert.equal(astray.status, 404)
  })

  it('can be mounted in a router of Express 5, behind a body parser', async () => {
    await mountInExpress((app) => {
      const router = express.Router()
      router.use('/ops', create().node)
      app.use(express.json())
      app.use('/internal', router)
    }, '/internal/ops')
    await works(mounted!.url, breaker)
  })

  it('can be a route of Express 5, which leaves the path unchanged', async () => {
    await mountInExpress((app) => app.all(['/ops', '/ops/*rest'], create().node), '/ops')
    await works(mounted!.url, breaker)
  })

  it('lets Express 5 decide who may control', async () => {
    await mountInExpress((app) => {
      app.use((request, _, next) => {
        Object.assign(request, { user: { admin: request.headers['x-user'] === 'ann' } })
        next()
      })
      const { node } = create({
        authorize: (_, incoming: express.Request & { user: { admin: boolean } }) => incoming.user.admin,
      })
      app.use('/ops', node)
    }, '/ops')
    for (const user of ['ann', 'bob']) {
      const response = await fetch(`${mounted!.url}events`, { headers: { 'x-user': user } })
      const events = new EventReader(response)
      assert.equal((await events.find('snapshot')).control, user === 'ann')
      await events.cancel()
    }
  })

  it('can be mounted in Fastify 5, which must leave the body unparsed', async () => {
    const app = Fastify({ forceCloseConnections: true })
    const { node } = create()
    await app.register(
      async (scope) => {
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
        for (const path of ['/', '/*']) {
          scope.all(path, (request, reply) => {
            reply.hijack()
            node(request.raw, reply.raw)
          })
        }
      },
      { prefix: '/ops' },
    )
    const url = await app.listen({ port: 0, host: '127.0.0.1' })
    mounted = { url: `${url}/ops/`, stop: () => app.close() }
    await works(mounted.url, breaker)
  })
})
