import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { after, before, beforeEach, describe, it } from 'node:test'
import * as undici8 from 'undici'
import * as undici7 from 'undici-7'
import { breakerInterceptor, type BreakerInterceptorOptions } from '../../../src/integrations/undici.ts'
import {
  CircuitBreakerError,
  isCallTimeoutError,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitBreakerRegistry,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { countsOf, delay, errorOf, inFlight, settled } from '../support/breakers.ts'
import { BODY, reached, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let clock: ManualClock
before(async () => {
  server = await startServer()
})
after(() => server.close())
beforeEach(() => {
  clock = new ManualClock()
  server.requests.length = 0
})

for (const [version, undici] of [
  ['undici 8', undici8],
  ['undici 7', undici7 as unknown as typeof undici8],
] as const) {
  const { Agent, Client, interceptors, request } = undici

  interface Guarded {
    readonly dispatcher: undici8.Dispatcher
    readonly breaker: CircuitBreaker
    readonly registry: CircuitBreakerRegistry
    get(path: string, options?: object): ReturnType<typeof request>
    close(): Promise<void>
  }

  const agents: undici8.Dispatcher[] = []
  after(async () => {
    for (const agent of agents) await agent.destroy()
  })

  function make(
    breaker: CircuitBreakerOptions = {},
    options: BreakerInterceptorOptions = {},
    {
      inside = [],
      outside = [],
    }: {
      inside?: undici8.Dispatcher.DispatcherComposeInterceptor[]
      outside?: undici8.Dispatcher.DispatcherComposeInterceptor[]
    } = {},
  ): Guarded {
    const interceptor = breakerInterceptor({
      ...options,
      breaker: { clock, timeoutDuration: 1_000, ...breaker },
    })
    const agent = new Agent()
    agents.push(agent)
    const dispatcher = agent.compose(...inside, interceptor, ...outside)
    return {
      dispatcher,
      registry: interceptor.registry,
      breaker: interceptor.registry.get(server.origin),
      get: (path, more) => request(`${server.origin}${path}`, { dispatcher, ...more }),
      close: () => agent.destroy(),
    }
  }

  describe(`the interceptor, in ${version}`, () => {
    it('gives the response as undici does', async () => {
      const { get, breaker, registry } = make()
      const { statusCode, headers, body, trailers } = await get('/json')
      assert.equal(statusCode, 200)
      assert.equal(headers['content-type'], 'application/json')
      assert.deepEqual(await body.json(), { price: 12 })
      assert.deepEqual(trailers, {})
      assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('serves stream, pipeline and fetch too', async () => {
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
      assert.equal(countsOf(breaker), '3 well, 0 failed, 0 ignored, 0 rejected')
    })

    it('5xx, 429 and 408 are failures, and responses all the same', async () => {
      const { get, breaker } = make({ failMax: 100 })
      for (const status of [500, 429, 408, 404]) {
        const { statusCode, body } = await get(`/status/${status}`)
        assert.equal(statusCode, status)
        assert.equal(await body.text(), `status ${status}`)
      }
      assert.equal(countsOf(breaker), '1 well, 3 failed, 0 ignored, 0 rejected')
    })

    it('a refused or reset connection and a body that breaks off are failures', async () => {
      const { get, breaker, dispatcher, registry } = make()
      await errorOf(get('/reset'))
      await errorOf((await get('/cut')).body.text())
      assert.equal(countsOf(breaker), '0 well, 2 failed, 0 ignored, 0 rejected')
      assert.equal((await errorOf(request('http://127.0.0.1:1', { dispatcher }))).code, 'ECONNREFUSED')
      assert.equal(registry.get('http://127.0.0.1:1').failCounter, 1)
    })

    it('undici`s time-outs are failures', async () => {
      const { get, breaker } = make()
      const headers = await errorOf(get('/hang', { headersTimeout: 50 }))
      assert.equal(headers.code, 'UND_ERR_HEADERS_TIMEOUT')
      const body = await errorOf((await get('/stall', { bodyTimeout: 50 })).body.text())
      assert.equal(body.code, 'UND_ERR_BODY_TIMEOUT')
      assert.equal(countsOf(breaker), '0 well, 2 failed, 0 ignored, 0 rejected')
    })

    it('opens, fails requests with a CircuitBreakerError without asking the server, probes and closes', async () => {
      const { get, breaker, registry } = make({ failMax: 2 })
      for (let i = 0; i < 2; i++) await (await get('/busy/120')).body.dump()
      assert.equal(breaker.retryAfter, 120_000)
      const error = await errorOf(get('/ok'))
      assert.ok(error instanceof CircuitBreakerError)
      assert.equal((error.cause as { status?: unknown }).status, 503)
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
      assert.equal(countsOf(breaker), '0 well, 0 failed, 3 ignored, 0 rejected')
    })

    it('the caller`s own time-out is a failure', async () => {
      const { get, breaker, registry } = make()
      assert.equal((await errorOf(get('/hang', { signal: AbortSignal.timeout(30) }))).name, 'TimeoutError')
      const controller = new AbortController()
      const { body } = await get('/stall', { signal: controller.signal })
      const text = errorOf(body.text())
      controller.abort(new DOMException('late', 'TimeoutError')) // as `AbortSignal.timeout` does
      assert.equal((await text).name, 'TimeoutError')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 well, 2 failed, 0 ignored, 0 rejected')
    })

    it('an abort before the request takes no place, whatever the circuit', async () => {
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
      assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
    })

    it('a body that nobody reads gives its place back, and one that the server stalls is waited for', async () => {
      const { get, breaker, registry } = make({}, { releaseAfter: 20 })
      const unread = await get('/big')
      await settled(registry)
      assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
      unread.body.on('error', () => {}).destroy()
      const stalled = errorOf((await get('/stall')).body.text())
      await delay(100)
      assert.equal(inFlight(registry), 1)
      await server.close()
      server = await startServer()
      await stalled
      assert.equal(countsOf(breaker), '1 well, 1 failed, 0 ignored, 0 rejected')
    })

    it('a request that undici refuses to send is ignored', async () => {
      const { get, breaker, registry } = make()
      await errorOf(get('/ok', { method: 'NOT VALID' }))
      await errorOf(get('/ok', { headers: { 'x\n': 'y' } }))
      assert.equal(countsOf(breaker), '0 well, 0 failed, 2 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('a request body that breaks is the caller`s fault', async () => {
      const { get, breaker, registry } = make()
      const body = new Readable({ read() {} })
      const promise = errorOf(get('/hang', { method: 'POST', body }))
      await delay(20)
      body.destroy(new Error('no more to send'))
      assert.equal((await promise).message, 'no more to send')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 well, 0 failed, 1 ignored, 0 rejected')
    })

    it('callTimeout limits the time to the headers, and that to connect', async () => {
      const hasty = make({ callTimeout: 30 })
      assert.ok(isCallTimeoutError(await errorOf(hasty.get('/hang'))))
      assert.equal(countsOf(hasty.breaker), '0 well, 1 failed, 0 ignored, 0 rejected')
      const patient = make({ callTimeout: 60_000 })
      await (await patient.get('/ok')).body.text()
      assert.equal(countsOf(patient.breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
      // One request at a time: the second has not begun when its time is over, and never does.
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

    it('counts every attempt under a retry, and does not retry while the circuit is open', async () => {
      const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 1, maxRetries: 5 })
      const { get, breaker } = make({ failMax: 3 }, {}, { outside: [retry] })
      const error = await errorOf(get('/status/503'))
      assert.ok(error instanceof CircuitBreakerError)
      assert.equal(server.requests.length, 3)
      assert.equal(breaker.state, 'open')
    })

    it('counts what comes of all attempts over a retry', async () => {
      const retry = interceptors.retry({ minTimeout: 1, maxTimeout: 1, maxRetries: 2 })
      const { get, breaker, registry } = make({ failMax: 3 }, {}, { inside: [retry] })
      await errorOf(get('/status/503').then(({ statusCode }) => assert.ok(statusCode < 500)))
      assert.equal(server.requests.length, 3)
      assert.equal(countsOf(breaker), '0 well, 1 failed, 0 ignored, 0 rejected')
      let attempts = 0
      server.answer = (_request, response) => response.writeHead(++attempts < 3 ? 503 : 200).end('there')
      assert.equal(await (await get('/flaky')).body.text(), 'there')
      assert.equal(countsOf(breaker), '1 well, 1 failed, 0 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('judges by the status what an interceptor made an error of', async () => {
      for (const place of ['inside', 'outside'] as const) {
        const { get, breaker } = make({}, {}, { [place]: [interceptors.responseError()] })
        assert.equal((await errorOf(get('/status/404'))).code, 'UND_ERR_RESPONSE')
        assert.equal((await errorOf(get('/status/500'))).code, 'UND_ERR_RESPONSE')
        assert.equal(countsOf(breaker), '1 well, 1 failed, 0 ignored, 0 rejected')
      }
    })

    it('works beside redirect, dump and dns', async () => {
      const { get, breaker } = make({}, {}, { outside: [interceptors.redirect({ maxRedirections: 2 })] })
      assert.equal(await (await get('/redirect')).body.text(), BODY)
      assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
      const dumped = make({}, {}, { outside: [interceptors.dump({ maxSize: 10_000 })] })
      await dumped.get('/ok')
      await settled(dumped.registry)
      assert.equal(countsOf(dumped.breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
      const named = make({}, {}, { inside: [interceptors.dns()] })
      const { port } = new URL(server.origin)
      const { body } = await request(`http://localhost:${port}/ok`, { dispatcher: named.dispatcher })
      assert.equal(await body.text(), BODY)
      assert.equal(named.registry.get(`http://localhost:${port}`).snapshot().counts.successes, 1)
    })

    it('judges an upgrade and a tunnel by their status', async () => {
      const { dispatcher, breaker, registry } = make()
      const upgraded = await undici.upgrade(`${server.origin}/upgrade`, { dispatcher, protocol: 'test' })
      upgraded.socket.destroy()
      const tunnel = await undici.connect(server.origin, { dispatcher })
      tunnel.socket.on('error', () => {}).destroy()
      assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
      await errorOf(undici.upgrade(`${server.origin}/refused`, { dispatcher, protocol: 'test' }))
      await settled(registry)
      assert.equal(countsOf(breaker), '2 well, 1 failed, 0 ignored, 0 rejected')
    })

    it('an exception in a handler`s hook is none of the server`s faults', async () => {
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
      assert.equal(countsOf(breaker), '0 well, 0 failed, 1 ignored, 0 rejected')
    })

    it('tells a handler all that undici tells without it', async () => {
      const hooks = [
        'onRequestStart',
        'onResponseStarted',
        'onResponseStart',
        'onResponseData',
        'onResponseEnd',
      ]
      const all = [...hooks, 'onBodySent', 'onRequestSent', 'onResponseError', 'onRequestUpgrade']
      async function heard(dispatcher: undici8.Dispatcher): Promise<string[]> {
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
      assert.deepEqual(await heard(dispatcher), await heard(bare))
    })

    it('makes a dispatch of two parameters, which hands on what is no request', () => {
      const dispatch = breakerInterceptor()((_options: never, _handler: never) => true)
      assert.equal(dispatch.length, 2)
      assert.equal(dispatch(undefined as never, undefined as never), true)
    })

    it('a request without an origin goes by a breaker of its client', async () => {
      const interceptor = breakerInterceptor()
      const client = new Client(server.origin)
      agents.push(client)
      const guarded = client.compose(interceptor)
      const { body } = await guarded.request({ path: '/ok', method: 'GET' })
      assert.equal(await body.text(), BODY)
      assert.equal([...interceptor.registry].length, 1)
      assert.equal([...interceptor.registry][0]?.[1].snapshot().counts.successes, 1)
    })

    it('a dispatch that throws is a failure, and the error its own', () => {
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
        assert.equal(countsOf(breaker), '0 well, 0 failed, 0 ignored, 1 rejected')
      } finally {
        undici.setGlobalDispatcher(previous)
      }
    })
  })

  // The fetch that comes with Node 22 and 24 has the hooks of undici 6.
  describe(`the interceptor of ${version}, under the runtime's own fetch`, () => {
    const through = (dispatcher: undici8.Dispatcher, path: string, init: object = {}): Promise<Response> =>
      fetch(`${server.origin}${path}`, { dispatcher, ...init } as RequestInit)

    it('passes a response on', async () => {
      const { dispatcher, breaker, registry } = make()
      const response = await through(dispatcher, '/ok', { method: 'POST', body: 'hello' })
      assert.equal(await response.text(), BODY)
      assert.equal((await through(dispatcher, '/json')).headers.get('content-type'), 'application/json')
      await settled(registry)
      assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
    })

    it('an error never hangs', async () => {
      const { dispatcher, breaker, registry } = make({ failMax: 3 })
      await errorOf(through(dispatcher, '/reset'))
      await errorOf((await through(dispatcher, '/cut')).text())
      assert.equal((await through(dispatcher, '/status/500')).status, 500)
      assert.equal(breaker.state, 'open')
      const error = await errorOf(through(dispatcher, '/ok'))
      assert.ok(error.cause instanceof CircuitBreakerError)
      assert.equal(inFlight(registry), 0)
    })

    it('an abort is ignored, a large body flows as fast as it is read', async () => {
      const { dispatcher, breaker, registry } = make()
      const controller = new AbortController()
      const promise = errorOf(through(dispatcher, '/hang', { signal: controller.signal }))
      await delay(30)
      controller.abort()
      assert.equal((await promise).name, 'AbortError')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 well, 0 failed, 1 ignored, 0 rejected')
      assert.equal((await (await through(dispatcher, '/big')).arrayBuffer()).byteLength, 8_000_000)
    })
  })
}

it('the old hooks are told all that there is', async () => {
  const { modern } = await import('../../../src/integrations/undici-legacy.ts')
  const seen: unknown[] = []
  const legacy = Object.fromEntries(
    ['onConnect', 'onUpgrade', 'onResponseStarted', 'onBodySent', 'onRequestSent'].map((hook) => [
      hook,
      (...args: unknown[]) => seen.push([hook, ...args.filter((arg) => typeof arg !== 'function')]),
    ]),
  )
  const handler = modern(legacy)
  const controller = { aborted: false, paused: false, abort() {}, pause() {}, resume() {} }
  handler.onRequestStart?.(controller, 'context')
  handler.onRequestUpgrade?.(controller, 101, { upgrade: 'test', twice: ['a', 'b'] }, 'socket')
  handler.onResponseStarted?.()
  handler.onBodySent?.('chunk')
  handler.onRequestSent?.()
  const fields = ['upgrade', 'test', 'twice', 'a', 'twice', 'b'].map((each) => Buffer.from(each))
  assert.deepEqual(seen, [
    ['onConnect', 'context'],
    ['onUpgrade', 101, fields, 'socket'],
    ['onResponseStarted'],
    ['onBodySent', 'chunk'],
    ['onRequestSent'],
  ])
  const thrown = new Error('nobody listens')
  assert.throws(() => handler.onResponseError?.(null, thrown), thrown)
})
