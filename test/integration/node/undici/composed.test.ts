import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type * as undici8 from 'undici'
import { breakerInterceptor } from '../../../../src/integrations/http/undici.ts'
import { CircuitBreakerError } from '../../../../src/index.ts'
import { countsOf, errorOf, inFlight, settled } from '../../support/breakers.ts'
import { BODY } from '../../support/server.ts'
import { guarding, server, useServer, VERSIONS } from './guarded.ts'

useServer()

for (const [version, undici] of VERSIONS) {
  const { Agent, Client, interceptors, request } = undici
  const { agents, make } = guarding(undici)

  describe(`the interceptor combined with others, in ${version}`, () => {
    it('inside a retry, counts every attempt, and is not retried while the circuit is open', async () => {
      const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 1, maxRetries: 5 })
      const { get, breaker } = make({ failMax: 3 }, {}, { outside: [retry] })
      const error = await errorOf(get('/status/503'))
      assert.ok(error instanceof CircuitBreakerError)
      assert.equal(server.requests.length, 3)
      assert.equal(breaker.state, 'open')
    })

    it('outside a retry, counts the final result of all attempts', async () => {
      const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 1, maxRetries: 2 })
      const { get, breaker, registry } = make({ failMax: 3 }, {}, { inside: [retry] })
      await errorOf(get('/status/503').then(({ statusCode }) => assert.ok(statusCode < 500)))
      assert.equal(server.requests.length, 3)
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      let attempts = 0
      server.answer = (_request, response) => response.writeHead(++attempts < 3 ? 503 : 200).end('there')
      assert.equal(await (await get('/flaky')).body.text(), 'there')
      assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('classifies by the status when an interceptor turns a response into an error', async () => {
      for (const place of ['inside', 'outside'] as const) {
        const { get, breaker } = make({}, {}, { [place]: [interceptors.responseError()] })
        assert.equal((await errorOf(get('/status/404'))).code, 'UND_ERR_RESPONSE')
        assert.equal((await errorOf(get('/status/500'))).code, 'UND_ERR_RESPONSE')
        assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
      }
    })

    it('works with redirect, dump and dns', async () => {
      const { get, breaker } = make({}, {}, { outside: [interceptors.redirect({ maxRedirections: 2 })] })
      assert.equal(await (await get('/redirect')).body.text(), BODY)
      assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
      const dumped = make({}, {}, { outside: [interceptors.dump({ maxSize: 10_000 })] })
      await dumped.get('/ok')
      await settled(dumped.registry)
      assert.equal(countsOf(dumped.breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
      const named = make({}, {}, { inside: [interceptors.dns()] })
      const { port } = new URL(server.origin)
      const { body } = await request(`http://localhost:${port}/ok`, { dispatcher: named.dispatcher })
      assert.equal(await body.text(), BODY)
      assert.equal(named.registry.get(`http://localhost:${port}`).snapshot().counts.successes, 1)
    })

    it('classifies an upgrade and a tunnel by their status', async () => {
      const { dispatcher, breaker, registry } = make()
      const upgraded = await undici.upgrade(`${server.origin}/upgrade`, { dispatcher, protocol: 'test' })
      upgraded.socket.destroy()
      const tunnel = await undici.connect(server.origin, { dispatcher })
      tunnel.socket.on('error', () => {}).destroy()
      assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
      await errorOf(undici.upgrade(`${server.origin}/refused`, { dispatcher, protocol: 'test' }))
      await settled(registry)
      assert.equal(countsOf(breaker), '2 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('does not count an exception in a hook of the handler as a failure', async () => {
      const { dispatcher, breaker, registry } = make()
      const thrown = new Error('in a hook')
      const seen: unknown[] = []
      const handler = {
        onRequestStart() {},
        onResponseStart() {
          throw thrown
        },
        onResponseData() {},
        onResponseEnd() {},
        onResponseError: (_controller: unknown, error: unknown) => seen.push(error),
      }
      dispatcher.dispatch({ origin: server.origin, path: '/ok', method: 'GET' }, handler)
      await settled(registry)
      assert.deepEqual(seen, [thrown])
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    })

    it('calls all hooks of a handler that undici calls without it', async () => {
      const hooks = [
        'onRequestStart',
        'onResponseStarted',
        'onResponseStart',
        'onResponseData',
        'onResponseEnd',
      ]
      const all = [...hooks, 'onBodySent', 'onRequestSent', 'onResponseError', 'onRequestUpgrade']
      async function hooksCalled(dispatcher: undici8.Dispatcher): Promise<string[]> {
        const seen: string[] = []
        await new Promise<void>((resolve) => {
          const handler = Object.fromEntries(
            all.map((hook) => [
              hook,
              (...args: unknown[]) => {
                seen.push(`${hook} ${args.length}`)
                if (hook === 'onResponseEnd' || hook === 'onResponseError') resolve()
              },
            ]),
          )
          const options = { origin: server.origin, path: '/json', method: 'POST', body: 'hello' } as const
          assert.equal(dispatcher.dispatch(options, handler as never), true)
        })
        return seen
      }
      const bare = new Agent()
      agents.push(bare)
      const { dispatcher } = make()
      assert.deepEqual(await hooksCalled(dispatcher), await hooksCalled(bare))
    })

    it('returns a dispatch of two parameters, which passes on anything but a request', () => {
      const dispatch = breakerInterceptor()((_options: never, _handler: never) => true)
      assert.equal(dispatch.length, 2)
      assert.equal(dispatch(undefined as never, undefined as never), true)
    })

    it('gives a request without an origin a breaker of its client', async () => {
      const interceptor = breakerInterceptor()
      const client = new Client(server.origin)
      agents.push(client)
      const guarded = client.compose(interceptor)
      const { body } = await guarded.request({ path: '/ok', method: 'GET' })
      assert.equal(await body.text(), BODY)
      assert.equal([...interceptor.registry].length, 1)
      assert.equal([...interceptor.registry][0]?.[1].snapshot().counts.successes, 1)
    })

    it('a dispatch that throws is a failure, and rethrows the error', () => {
      const thrown = new Error('no')
      const interceptor = breakerInterceptor()
      const dispatch = interceptor((_options: never, _handler: never): boolean => {
        throw thrown
      })
      const options = { origin: 'https://example.com', path: '/', method: 'GET' }
      assert.throws(() => dispatch(options as never, { onRequestStart() {} } as never), thrown)
      assert.equal(interceptor.registry.get('https://example.com').failCounter, 1)
      interceptor.registry.get('https://example.com').isolate()
      assert.throws(() => dispatch(options as never, { onRequestStart() {} } as never), CircuitBreakerError)
    })

    it('works as the global dispatcher', async () => {
      const previous = undici.getGlobalDispatcher()
      const { dispatcher, breaker } = make({ failMax: 1 })
      undici.setGlobalDispatcher(dispatcher)
      try {
        assert.equal(await (await request(`${server.origin}/ok`)).body.text(), BODY)
        assert.equal(await (await undici.fetch(`${server.origin}/ok`)).text(), BODY)
        assert.equal((await undici.fetch(`${server.origin}/status/503`)).status, 503)
        const error = await errorOf(undici.fetch(`${server.origin}/ok`))
        assert.ok(error.cause instanceof CircuitBreakerError)
        assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 0 ignored, 1 rejected')
      } finally {
        undici.setGlobalDispatcher(previous)
      }
    })
  })
}
