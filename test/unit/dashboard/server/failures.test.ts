import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createDashboard, type Dashboard } from '../../../../src/dashboard/server/index.ts'
import type { CircuitBreaker } from '../../../../src/index.ts'
import type { CircuitBreakerMonitor, HealthReport } from '../../../../src/monitor/index.ts'
import { EventReader } from './events.ts'
import { serve, type TestServer } from '../../../helpers/server.ts'
import { until } from '../../../helpers/until.ts'
import { warningsFrom } from '../../../helpers/warnings.ts'
import { watched } from './watched.ts'

const COMMAND = '{"id":"payments","action":"isolate"}'
const HEADERS = { 'content-type': 'application/json', 'x-recloser': 'control' }

const fail = (): never => {
  throw new Error('the secret is 42')
}

describe('a dashboard whose monitor fails', () => {
  let monitor: CircuitBreakerMonitor
  let breaker: CircuitBreaker
  let dashboard: Dashboard
  beforeEach(() => {
    const { breakers, ...rest } = watched('payments')
    breaker = breakers[0]!
    monitor = rest.monitor
    dashboard = createDashboard(monitor, { authorize: () => true })
  })
  afterEach(() => dashboard.close())

  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    dashboard.fetch(new Request(`http://localhost/${path}`, init))

  it('tells only the operator why', async () => {
    monitor.snapshot = fail
    const warnings = await warningsFrom(async () => {
      for (const path of ['snapshot', 'events']) {
        const response = await ask(path)
        assert.equal(response.status, 500)
        assert.equal(await response.text(), '{"error":"The dashboard failed"}')
      }
    })
    assert.equal(warnings.length, 2)
    assert.match(warnings[0]!, /the secret is 42/)
  })

  it('ends its streams, and says why', async () => {
    const reader = new EventReader(await ask('events'))
    await reader.find('snapshot')
    const warnings = await warningsFrom(async () => {
      monitor.snapshot = fail
      await until(() => (void reader.here(), reader.end === 'broken'), 'the stream is broken off')
    })
    assert.deepEqual(warnings, ['A stream of a dashboard failed: Error: the secret is 42'])
  })

  it('ends a stream whose events fail', async () => {
    monitor.events = async function* () {
      yield* []
      fail()
    }
    const warnings = await warningsFrom(async () => {
      const reader = new EventReader(await ask('events'))
      await until(() => (void reader.here(), reader.end === 'broken'), 'the stream is broken off')
    })
    assert.deepEqual(warnings, ['A stream of a dashboard failed: Error: the secret is 42'])
  })

  it('reports it if a breaker is removed while it is controlled', async () => {
    breaker.addListener({ stateChange: () => monitor.unwatch(breaker) })
    const response = await ask('control', { method: 'POST', headers: HEADERS, body: COMMAND })
    assert.deepEqual(
      [response.status, await response.json()],
      [404, { error: 'No breaker has this id any more' }],
    )
    assert.equal(breaker.state, 'isolated')
  })

  it('reports it if `authorize` has consumed the body', async () => {
    const greedy = createDashboard(monitor, {
      authorize: async (request) => (await request.text()) !== '',
    })
    const init = { method: 'POST', headers: HEADERS, body: COMMAND }
    const response = await greedy.fetch(new Request('http://localhost/control', init))
    assert.equal(response.status, 400)
    assert.equal(breaker.state, 'closed')
  })

  it('refuses a command without a body', async () => {
    const response = await ask('control', { method: 'POST', headers: HEADERS })
    assert.deepEqual([response.status, await response.json()], [400, { error: 'Expected a body of JSON' }])
  })
})

describe('a dashboard that gets unusual requests', () => {
  let breaker: CircuitBreaker
  let server: TestServer
  beforeEach(async () => {
    const { monitor, breakers } = watched('payments')
    breaker = breakers[0]!
    server = await serve(createDashboard(monitor, { authorize: () => true }).node)
  })
  afterEach(() => server.stop())

  /** Sends this text, and returns what the server sends until the connection closes. */
  function send(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = ''
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      socket.on('data', (chunk) => (answer += chunk.toString()))
      socket.on('close', () => resolve(answer))
      socket.on('error', reject)
      socket.write(text)
    })
  }

  it('refuses an invalid host', async () => {
    for (const host of ['evil.example/x', 'user@evil.example', 'a b', '?', '#']) {
      const answer = await send(`GET /health HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 400 /, host)
      assert.doesNotMatch(answer, /\.ts:/)
    }
  })

  it('answers a request without a host, or for a whole URL', async () => {
    for (const request of [
      'GET /health HTTP/1.0\r\n\r\n',
      'GET http://localhost/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    ]) {
      assert.match(await send(request), /^HTTP\/1\.1 200 .*"status":"up"/s, request)
    }
  })

  it('does nothing for an incomplete command', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head =
      'POST /control HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-recloser: control\r\n'
    socket.write(`${head}content-length: 1000\r\n\r\n${COMMAND}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    const health = await fetch(`${server.url}health`)
    assert.equal(health.status, 200)
    assert.equal(breaker.state, 'closed')
  })

  it('keeps the connection usable after a body that it did not read', async () => {
    const headers = { 'content-type': 'application/json' }
    for (let i = 0; i < 5; i++) {
      const body = 'x'.repeat(1_000_000)
      const refused = await fetch(`${server.url}control`, { method: 'POST', headers, body })
      assert.equal(refused.status, 403)
      await refused.text()
      const health = await fetch(`${server.url}health`)
      assert.equal(((await health.json()) as HealthReport).status, 'up')
    }
  })
})
