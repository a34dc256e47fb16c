import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerFetch } from '../../../../src/integrations/http/fetch.ts'
import { CircuitBreakerMonitor } from '../../../../src/monitor/index.ts'
import { CircuitBreakerError, CircuitBreakerRegistry } from '../../../../src/index.ts'
import { errorOf, inFlight, settled } from '../../support/breakers.ts'
import { BODY, startServer } from '../../support/server.ts'
import { clock, make, server, useServer } from './guarded.ts'

useServer()

describe('a guarded fetch and the circuit', () => {
  it('opens, rejects with a CircuitBreakerError without calling the server, probes and closes', async () => {
    const [guarded, breaker] = make({ failMax: 2 })
    for (let i = 0; i < 2; i++) await (await guarded(`${server.origin}/status/503`)).text()
    assert.equal(breaker.state, 'open')
    const error = await errorOf(guarded(`${server.origin}/ok`))
    assert.ok(error instanceof CircuitBreakerError)
    assert.equal(error.breaker, server.origin)
    assert.equal(error.retryAfter, 1_000)
    assert.match((error.cause as Error).message, /503/)
    assert.equal(server.requests.length, 2)

    clock.advance(1_000)
    const probe = await guarded(`${server.origin}/ok`)
    const second = await errorOf(guarded(`${server.origin}/ok`))
    assert.ok(second instanceof CircuitBreakerError)
    assert.equal(second.reason, 'half-open')
    await probe.text()
    assert.equal(breaker.state, 'closed')
  })

  it('opens again when the body of the probe breaks off', async () => {
    const [guarded, breaker] = make({ failMax: 1 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    await errorOf((await guarded(`${server.origin}/cut`)).text())
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().attempt, 2)
  })

  it('an endless probe closes the circuit once it has streamed for a while', async () => {
    const [guarded, breaker] = make({ failMax: 1 }, { releaseAfter: 20 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    const end = Date.now() + 2_000
    while (breaker.state === 'half-open' && Date.now() < end) await reader.read()
    assert.equal(breaker.state, 'closed')
    await reader.cancel()
  })

  it('a probe that nobody reads settles before its lease ends', async () => {
    const [guarded, breaker] = make({ failMax: 1, probeTimeout: 40 }, { releaseAfter: 60_000 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    await guarded(`${server.origin}/drip`)
    assert.equal(breaker.state, 'half-open')
    await settled(guarded.registry, 2_000)
    assert.equal(breaker.state, 'closed')
  })

  it('honors Retry-After in seconds and as a date, but no longer than an hour', async () => {
    for (const [header, least, most] of [
      ['120', 120_000, 120_000],
      ['99999', 3_600_000, 3_600_000],
      ['nonsense', 1_000, 1_000],
      [encodeURI(new Date(Date.now() + 60_000).toUTCString()), 58_000, 60_000],
    ] as const) {
      const [guarded, breaker] = make({ failMax: 1 })
      server.answer = (_request, response) =>
        response.writeHead(429, { 'retry-after': decodeURI(header) }).end()
      await guarded(`${server.origin}/limited`)
      const { retryAfter } = breaker
      assert.ok(retryAfter >= least && retryAfter <= most, `${header}: ${retryAfter}`)
    }
  })

  it('lets a timeoutDuration function decide the open time', async () => {
    const [guarded, breaker] = make({ failMax: 1, timeoutDuration: () => 7_000 })
    await guarded(`${server.origin}/busy/120`)
    assert.equal(breaker.retryAfter, 7_000)
  })

  it('errorOnTrip replaces the error of the call that trips, not its response', async () => {
    const [guarded, breaker] = make({ failMax: 1, errorOnTrip: true })
    const error = await errorOf(guarded(`${server.origin}/reset`))
    assert.ok(error instanceof CircuitBreakerError)
    assert.ok(error.cause instanceof TypeError)
    breaker.close()
    assert.equal((await guarded(`${server.origin}/status/500`)).status, 500)
    assert.equal(breaker.state, 'open')
  })

  it('mode observe and mode off admit everything', async () => {
    for (const mode of ['observe', 'off'] as const) {
      const [guarded, breaker] = make({ failMax: 1, mode })
      for (let i = 0; i < 3; i++) assert.equal((await guarded(`${server.origin}/status/503`)).status, 503)
      await (await guarded(`${server.origin}/ok`)).text()
      assert.equal(breaker.state, 'closed')
      assert.equal(inFlight(guarded.registry), 0)
    }
  })

  it('keeps one circuit per origin', async () => {
    const other = await startServer()
    const [guarded] = make({ failMax: 1 })
    await guarded(`${server.origin}/status/503`)
    await errorOf(guarded(`${server.origin}/ok`))
    assert.equal(await (await guarded(`${other.origin}/ok`)).text(), BODY)
    assert.deepEqual(
      [...guarded.registry].map(([key, breaker]) => `${key} ${breaker.state}`).toSorted(),
      [`${other.origin} closed`, `${server.origin} open`].toSorted(),
    )
    await other.close()
  })

  it('accepts a custom key made from the URL, the method and the headers', async () => {
    const shown: string[] = []
    const guarded = breakerFetch(fetch, {
      key: ({ url, method, headers }) => {
        shown.push(`${method} ${new URL(url).pathname} ${headers.get('x-tenant')}`)
        return headers.get('x-tenant') ?? undefined
      },
    })
    const headers = { 'x-tenant': 'one' }
    await (await guarded(`${server.origin}/ok`, { headers })).text()
    await (await guarded(new Request(`${server.origin}/ok`, { method: 'PUT', headers, body: 'x' }))).text()
    await (await guarded(`${server.origin}/ok`, { method: 'delete' })).text()
    assert.deepEqual(shown, ['GET /ok one', 'PUT /ok one', 'DELETE /ok null'])
    assert.deepEqual(
      [...guarded.registry].map(([key]) => key),
      ['one'],
    )
  })

  it('accepts a registry that a monitor can watch and others can share', async () => {
    const monitor = new CircuitBreakerMonitor()
    const registry = new CircuitBreakerRegistry({ options: () => ({ failMax: 1 }) })
    monitor.watch(registry)
    const one = breakerFetch(fetch, { registry })
    const other = breakerFetch(fetch, { registry: one.registry })
    await one(`${server.origin}/status/500`)
    assert.ok((await errorOf(other(`${server.origin}/ok`))) instanceof CircuitBreakerError)
    assert.equal(monitor.snapshot().breakers[0]?.state, 'open')
  })

  it('derives the options of a breaker from its key', () => {
    const guarded = breakerFetch(fetch, { breaker: (key) => ({ name: `to ${key}`, failMax: key.length }) })
    assert.equal(guarded.registry.get('abc').name, 'to abc')
    assert.equal(guarded.registry.get('abc').options.failMax, 3)
  })
})
