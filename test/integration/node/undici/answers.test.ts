import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { describe, it } from 'node:test'
import { breakerInterceptor } from '../../../../src/integrations/http/undici.ts'
import { CircuitBreakerError, isCallTimeoutError } from '../../../../src/index.ts'
import { countsOf, delay, errorOf, inFlight, settled } from '../../support/breakers.ts'
import { BODY, reached } from '../../support/server.ts'
import { clock, guarding, restart, server, useServer, VERSIONS } from './guarded.ts'

useServer()

for (const [version, undici] of VERSIONS) {
  const { Client, request } = undici
  const { agents, make } = guarding(undici)

  describe(`the interceptor, in ${version}`, () => {
    it('returns the response as undici does', async () => {
      const { get, breaker, registry } = make()
      const { statusCode, headers, body, trailers } = await get('/json')
      assert.equal(statusCode, 200)
      assert.equal(headers['content-type'], 'application/json')
      assert.deepEqual(await body.json(), { price: 12 })
      assert.deepEqual(trailers, {})
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('supports stream, pipeline and fetch too', async () => {
      const { dispatcher, breaker } = make()
      let streamed = ''
      await undici.stream(
        `${server.origin}/ok`,
        { dispatcher, method: 'GET' },
        () =>
          new Writable({
            write(chunk, _encoding, done) {
              streamed += String(chunk)
              done()
            },
          }),
      )
      assert.equal(streamed, BODY)
      let piped = ''
      const pipeline = undici.pipeline(
        `${server.origin}/ok`,
        { dispatcher, method: 'GET' },
        ({ body }) => body,
      )
      pipeline.end()
      for await (const chunk of pipeline) piped += String(chunk)
      assert.equal(piped, BODY)
      assert.equal(await (await undici.fetch(`${server.origin}/ok`, { dispatcher })).text(), BODY)
      assert.equal(countsOf(breaker), '3 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('5xx, 429 and 408 are failures, and still responses', async () => {
      const { get, breaker } = make({ failMax: 100 })
      for (const status of [500, 429, 408, 404]) {
        const { statusCode, body } = await get(`/status/${status}`)
        assert.equal(statusCode, status)
        assert.equal(await body.text(), `status ${status}`)
      }
      assert.equal(countsOf(breaker), '1 succeeded, 3 failed, 0 ignored, 0 rejected')
    })

    it('a refused or reset connection and a body that breaks off are failures', async () => {
      const { get, breaker, dispatcher, registry } = make()
      await errorOf(get('/reset'))
      await errorOf((await get('/cut')).body.text())
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
      assert.equal((await errorOf(request('http://127.0.0.1:1', { dispatcher }))).code, 'ECONNREFUSED')
      assert.equal(registry.get('http://127.0.0.1:1').failCounter, 1)
    })

    it('timeouts of undici are failures', async () => {
      const { get, breaker } = make()
      const headers = await errorOf(get('/hang', { headersTimeout: 50 }))
      assert.equal(headers.code, 'UND_ERR_HEADERS_TIMEOUT')
      const body = await errorOf((await get('/stall', { bodyTimeout: 50 })).body.text())
      assert.equal(body.code, 'UND_ERR_BODY_TIMEOUT')
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
    })

    it('opens, fails requests with a CircuitBreakerError without calling the server, probes and closes', async () => {
      const { get, breaker, registry } = make({ failMax: 2 })
      for (let i = 0; i < 2; i++) await (await get('/busy/120')).body.dump()
      assert.equal(breaker.retryAfter, 120_000)
      const error = await errorOf(get('/ok'))
      assert.ok(error instanceof CircuitBreakerError)
      assert.match((error.cause as Error).message, /503/)
      assert.equal(server.requests.length, 2)
      clock.advance(120_000)
      const probe = await get('/drip')
      const second = await errorOf(get('/ok'))
      assert.ok(second instanceof CircuitBreakerError)
      assert.equal(second.reason, 'half-open')
      probe.body.on('error', () => {}).destroy()
      await settled(registry)
      assert.equal(breaker.state, 'closed')
    })

    it('an abort is ignored before the connection, before the headers and in mid-body', async () => {
      const { get, breaker, registry } = make()
      const moments: ((signal: AbortSignal, abort: () => void) => Promise<unknown>)[] = [
        async (signal, abort) => {
          const error = errorOf(get('/hang', { signal }))
          abort()
          return error
        },
        async (signal, abort) => {
          const error = errorOf(get('/hang', { signal }))
          await reached(server, '/hang')
          abort()
          return error
        },
        async (signal, abort) => {
          const error = errorOf((await get('/stall', { signal })).body.text())
          abort()
          return error
        },
      ]
      for (const moment of moments) {
        const controller = new AbortController()
        const reason = new Error('changed my mind')
        assert.equal(await moment(controller.signal, () => controller.abort(reason)), reason)
        await settled(registry)
      }
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 3 ignored, 0 rejected')
    })

    it('a timeout of the caller is a failure', async () => {
      const { get, breaker, registry } = make()
      assert.equal((await errorOf(get('/hang', { signal: AbortSignal.timeout(30) }))).name, 'TimeoutError')
      const controller = new AbortController()
      const { body } = await get('/stall', { signal: controller.signal })
      const text = errorOf(body.text())
      controller.abort(new DOMException('late', 'TimeoutError')) // as `AbortSignal.timeout` does
      assert.equal((await text).name, 'TimeoutError')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
    })

    it('an abort before the request takes no permit, whatever the state of the circuit', async () => {
      const { get, breaker } = make()
      breaker.open({ for: 1_000 })
      const reason = new Error('too late')
      assert.equal(await errorOf(get('/ok', { signal: AbortSignal.abort(reason) })), reason)
      assert.equal(breaker.snapshot().rejected, 0)
    })

    it('a body that its reader destroys is a success', async () => {
      const { get, breaker, registry } = make()
      const { body } = await get('/drip')
      body.on('error', () => {})
      await delay(20)
      body.destroy()
      await settled(registry)
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('a body that nobody reads gives its permit back, and one that the server stalls stays in flight', async () => {
      const { get, breaker, registry } = make({}, { releaseAfter: 20 })
      const unread = await get('/big')
      await settled(registry)
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      unread.body.on('error', () => {}).destroy()
      const stalled = errorOf((await get('/stall')).body.text())
      await delay(100)
      assert.equal(inFlight(registry), 1)
      await server.close()
      await restart()
      await stalled
      assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('a request that undici refuses to send is ignored', async () => {
      const { get, breaker, registry } = make()
      await errorOf(get('/ok', { method: 'NOT VALID' }))
      await errorOf(get('/ok', { headers: { 'x\n': 'y' } }))
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('a request body that breaks is ignored, as a fault of the caller', async () => {
      const { get, breaker, registry } = make()
      const body = new Readable({ read() {} })
      const promise = errorOf(get('/hang', { method: 'POST', body }))
      await delay(20)
      body.destroy(new Error('no more to send'))
      assert.equal((await promise).message, 'no more to send')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    })

    it('callTimeout limits the time to the headers, including the time to connect', async () => {
      const hasty = make({ callTimeout: 30 })
      assert.ok(isCallTimeoutError(await errorOf(hasty.get('/hang'))))
      assert.equal(countsOf(hasty.breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      const patient = make({ callTimeout: 60_000 })
      await (await patient.get('/ok')).body.text()
      assert.equal(countsOf(patient.breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      // One request at a time: the second has not started when it times out, and never starts.
      const client = new Client(server.origin, { pipelining: 1 })
      agents.push(client)
      const controller = new AbortController()
      const { origin } = server
      const first = errorOf(client.request({ path: '/hang?first', method: 'GET', signal: controller.signal }))
      await reached(server, '/hang?first')
      const single = client.compose(breakerInterceptor({ registry: hasty.registry }))
      const second = errorOf(single.request({ origin, path: '/hang?second', method: 'GET' }))
      assert.ok(isCallTimeoutError(await second))
      controller.abort()
      await first
      await (await client.request({ path: '/ok?third', method: 'GET' })).body.text()
      assert.equal(server.requests.filter(({ url }) => url === '/hang?second').length, 0)
      await settled(hasty.registry)
    })
  })
}
