import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { page } from '../../../../src/dashboard/server/assets.ts'
import { createDashboard, type Dashboard } from '../../../../src/dashboard/server/index.ts'
import type { CircuitBreaker } from '../../../../src/index.ts'
import type { HealthReport, MonitorSnapshot } from '../../../../src/monitor/index.ts'
import { EventReader } from './events.ts'
import { serve, type TestServer } from '../../../helpers/server.ts'
import { watched } from './watched.ts'

const READABLE = ['', 'page.js', 'page.css', 'snapshot', 'health']
const HOSTILE = '<img onerror=alert(1)>'

describe('the endpoints of a dashboard', () => {
  let dashboard: Dashboard
  let breakers: readonly CircuitBreaker[]
  let server: TestServer

  before(async () => {
    const { monitor, ...rest } = watched('payments', HOSTILE)
    breakers = rest.breakers
    dashboard = createDashboard(monitor, { maxStreams: 1 })
    server = await serve(dashboard.node)
  })
  after(async () => {
    dashboard.close()
    await server.stop()
  })

  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(server.url + path, init)

  it('serve the page and its files with their types', async () => {
    for (const [path, type, content] of [
      ['', 'text/html', page.html],
      ['page.js', 'text/javascript', page.script],
      ['page.css', 'text/css', page.style],
    ] as const) {
      const response = await get(path)
      assert.equal(response.status, 200)
      assert.equal(response.headers.get('content-type'), `${type}; charset=utf-8`)
      assert.equal(await response.text(), content)
    }
  })

  it('let a browser cache the page as long as it has not changed', async () => {
    const first = await get('page.css')
    await first.text()
    assert.equal(first.headers.get('cache-control'), 'no-cache')
    const tag = first.headers.get('etag') ?? ''
    const again = await get('page.css', { headers: { 'if-none-match': tag } })
    assert.deepEqual([again.status, await again.text(), again.headers.get('etag')], [304, '', tag])
    const other = await get('page.css', { headers: { 'if-none-match': '"another"' } })
    assert.deepEqual([other.status, await other.text()], [200, page.style])
  })

  it('give the snapshot with two minutes of history as JSON', async () => {
    await breakers[0]!.call(async () => 'paid')
    const response = await get('snapshot')
    assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    const snapshot = (await response.json()) as MonitorSnapshot
    assert.equal(snapshot.version, 1)
    assert.deepEqual(
      snapshot.breakers.map(({ id }) => id),
      ['payments', HOSTILE],
    )
    assert.equal(
      snapshot.breakers[0]!.history.success.reduce((sum, each) => sum + each),
      1,
    )
  })

  it('answer the health check with 200 also while everything is down', async () => {
    breakers[0]!.isolate('maintenance')
    const response = await get('health')
    const health = (await response.json()) as HealthReport
    breakers[0]!.close()
    assert.equal(response.status, 200)
    assert.equal(health.status, 'down')
    assert.deepEqual(health.breakers['payments'], {
      status: 'down',
      state: 'isolated',
      reason: 'maintenance',
      retryAfter: null,
    })
    assert.equal(health.breakers[HOSTILE]?.status, 'up')
  })

  it('answer HEAD as GET, without the body', async () => {
    for (const path of READABLE) {
      const full = await get(path)
      await full.text()
      const head = await get(path, { method: 'HEAD' })
      assert.deepEqual([head.status, await head.text()], [200, ''], path)
      for (const name of ['content-type', 'etag', 'cache-control', 'content-security-policy']) {
        assert.equal(head.headers.get(name), full.headers.get(name), `${path} ${name}`)
      }
    }
  })

  it('open no stream for HEAD', async () => {
    const head = await get('events', { method: 'HEAD' })
    assert.deepEqual([head.status, await head.text()], [200, ''])
    assert.equal(head.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    const response = await get('events')
    assert.equal(response.status, 200)
    const events = new EventReader(response)
    assert.equal((await events.next())?.event, 'snapshot')
    await events.cancel()
  })

  it('refuse other methods and say which are allowed', async () => {
    for (const path of [...READABLE, 'events']) {
      for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
        const response = await get(path, { method })
        assert.equal(response.status, 405, `${method} ${path}`)
        assert.equal(response.headers.get('allow'), 'GET, HEAD')
        assert.deepEqual(await response.json(), { error: 'Expected GET or HEAD' })
      }
    }
    for (const method of ['GET', 'HEAD', 'PUT']) {
      const response = await get('control', { method })
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'])
      await response.text()
    }
  })

  it('are the only ones', async () => {
    for (const path of [
      'nope',
      'page',
      'Snapshot',
      'snapshot.json',
      '%2e%2e%2fsnapshot',
      '__proto__',
      'constructor',
    ]) {
      const response = await get(path)
      assert.equal(response.status, 404, path)
      assert.match(((await response.json()) as { error: string }).error, /^Expected one of \.\/, /)
    }
  })

  it('all have the same security headers, errors included', async () => {
    for (const path of [...READABLE, 'nope', 'control']) {
      const { headers } = await get(path)
      const policy = headers.get('content-security-policy') ?? ''
      assert.equal(
        policy,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
          "base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
        path,
      )
      assert.equal(headers.get('x-content-type-options'), 'nosniff')
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin')
      assert.equal(headers.get('access-control-allow-origin'), null)
      if (!['', 'page.js', 'page.css'].includes(path)) assert.equal(headers.get('cache-control'), 'no-store')
    }
  })

  it('never put a name or a reason into HTML', async () => {
    breakers[1]!.isolate('<script>alert(2)</script>')
    const page = await (await get('')).text()
    assert.ok(!page.includes('alert('))
    const response = await get('snapshot')
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    const { breakers: reports } = (await response.json()) as MonitorSnapshot
    assert.deepEqual([reports[1]!.id, reports[1]!.reason], [HOSTILE, '<script>alert(2)</script>'])
    const unknown = await get('<img onerror=alert(1)>', {
      headers: { accept: 'text/html' },
      redirect: 'manual',
    })
    assert.deepEqual([unknown.status, await unknown.text()], [307, ''])
    breakers[1]!.close()
  })
})
