import axios, {
  create,
  getAdapter,
  isAxiosError,
  isCancel,
  type AxiosAdapter,
  type AxiosInstance,
  type InternalAxiosRequestConfig,
} from 'axios'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { after, before, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { breakerAdapter, type BreakerAdapterOptions } from '../../../src/integrations/http/axios.ts'
import {
  CircuitBreakerError,
  isCallTimeoutError,
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitBreakerRegistry,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { countsOf, delay, errorOf, inFlight, settled } from '../support/breakers.ts'
import { BODY, reached, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let clock: ManualClock
before(async () => {
  server = await startServer()
})
after(() => server.close())
beforeEach(() => {
  clock = withRealTimers(new ManualClock())
  server.requests.length = 0
})

interface Guarded {
  readonly client: AxiosInstance
  readonly breaker: CircuitBreaker
  readonly registry: CircuitBreakerRegistry
}

for (const kind of ['http', 'fetch'] as const) {
  function make(
    breaker: CircuitBreakerOptions = {},
    options: BreakerAdapterOptions<InternalAxiosRequestConfig> = {},
  ): Guarded {
    const adapter = breakerAdapter(getAdapter(kind), {
      ...options,
      breaker: { clock, timeoutDuration: 1_000, ...breaker },
    })
    const { registry } = adapter
    const client = create({ adapter, baseURL: server.origin })
    return { client, registry, breaker: registry.get(server.origin) }
  }

  describe(`axios through the ${kind} adapter`, () => {
    it('returns the response as axios does', async () => {
      const { client, breaker, registry } = make()
      const response = await client.get<{ price: number }>('/json')
      assert.equal(response.data.price, 12)
      assert.equal(response.headers['content-type'], 'application/json')
      assert.equal(response.config.url, '/json')
      assert.equal((await client.get('/ok')).data, BODY)
      await client.head('/ok')
      assert.equal(countsOf(breaker), '3 succeeded, 0 failed, 0 ignored, 0 rejected')
      assert.equal(inFlight(registry), 0)
    })

    it('classifies by the status, whatever validateStatus returns', async () => {
      const { client, breaker } = make({ failMax: 100 })
      for (const status of [500, 429, 408, 404, 304]) {
        const error = await errorOf(client.get(`/status/${status}`))
        assert.ok(isAxiosError(error))
        assert.equal(error.response?.status, status)
        const response = await client.get(`/status/${status}`, { validateStatus: () => true })
        assert.equal(response.status, status)
      }
      assert.equal(countsOf(breaker), '4 succeeded, 6 failed, 0 ignored, 0 rejected')
    })

    it('network errors and timeouts of axios are failures', async () => {
      const { client, breaker, registry } = make()
      await errorOf(client.get('/reset'))
      assert.ok(
        ['ECONNABORTED', 'ETIMEDOUT'].includes(
          String((await errorOf(client.get('/hang', { timeout: 30 }))).code),
        ),
      )
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
      await errorOf(client.get('http://127.0.0.1:1/'))
      assert.equal(registry.get('http://127.0.0.1:1').failCounter, 1)
    })

    it('a body that breaks off is a failure', async () => {
      const { client, breaker, registry } = make()
      await errorOf(client.get('/cut'))
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      const { data } = await client.get<AsyncIterable<unknown>>('/cut', { responseType: 'stream' })
      assert.equal(inFlight(registry), 1)
      await errorOf(readAll(data))
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
      server.answer = (request, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' })
        response.write(gzipSync(randomBytes(10_000)).subarray(0, 5_000), () =>
          setTimeout(() => request.socket.destroy(), 10),
        )
      }
      const zipped = await client.get<AsyncIterable<unknown>>('/zipped', { responseType: 'stream' })
      await errorOf(readAll(zipped.data))
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 3 failed, 0 ignored, 0 rejected')
    })

    it('a stream settles at its end', async () => {
      const { client, breaker, registry } = make()
      const { data } = await client.get<AsyncIterable<Uint8Array>>('/ok', { responseType: 'stream' })
      assert.equal(inFlight(registry), 1)
      assert.equal(await readAll(data), BODY)
      await settled(registry)
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('a stream that nobody reads, or that its reader ends, is a success', async () => {
      const { client, breaker, registry } = make({}, { releaseAfter: 20 })
      const unread = await client.get<AsyncIterable<unknown>>('/drip', { responseType: 'stream' })
      await settled(registry)
      const { data } = await client.get<AsyncIterable<unknown>>('/drip', { responseType: 'stream' })
      for await (const chunk of data) {
        assert.ok(chunk)
        break
      }
      await settled(registry)
      for await (const _ of unread.data) break
      assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
      const piped = await client.get<AsyncIterable<unknown>>('/drip', { responseType: 'stream' })
      const full = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) })
      assert.equal((await errorOf(pipeline(piped.data, full))).message, 'disk full')
      await settled(registry)
      assert.equal(countsOf(breaker), '3 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('opens, rejects with a CircuitBreakerError without calling the server, probes and closes', async () => {
      const { client, breaker } = make({ failMax: 2 })
      for (let i = 0; i < 2; i++) await errorOf(client.get('/busy/120'))
      assert.equal(breaker.retryAfter, 120_000)
      const error = await errorOf(client.get('/ok'))
      assert.ok(error instanceof CircuitBreakerError)
      assert.match((error.cause as Error).message, /503/)
      assert.equal(server.requests.length, 2)
      clock.advance(120_000)
      const [probe, other] = await Promise.allSettled([client.get('/ok'), client.get('/ok')])
      assert.equal(probe.status, 'fulfilled')
      assert.ok(other.status === 'rejected' && other.reason instanceof CircuitBreakerError)
      assert.equal(breaker.state, 'closed')
    })

    it('a cancelled request is ignored, by a signal and by a token, before the headers and in mid-body', async () => {
      const { client, breaker, registry } = make()
      const controller = new AbortController()
      const { signal } = controller
      // oxlint-disable-next-line no-named-as-default-member -- the named export is only a type
      const source = axios.CancelToken.source()
      const { data } = await client.get<AsyncIterable<unknown>>('/stall', { responseType: 'stream', signal })
      const waiting = [
        errorOf(client.get('/hang', { signal })),
        errorOf(client.get('/hang', { cancelToken: source.token })),
        errorOf(client.get('/stall', { signal })),
        errorOf(readAll(data)),
      ]
      await Promise.all([reached(server, '/hang', 2), reached(server, '/stall', 2)])
      controller.abort()
      source.cancel()
      const errors = await Promise.all(waiting)
      assert.ok(errors.slice(0, 3).every(isCancel))
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 4 ignored, 0 rejected')
      assert.ok(isCancel(await errorOf(client.get('/ok', { signal: controller.signal }))))
      assert.ok(isCancel(await errorOf(client.get('/ok', { cancelToken: source.token }))))
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 4 ignored, 0 rejected')
    })

    it('a timeout of the caller is a failure', async () => {
      const { client, breaker } = make()
      assert.ok(isCancel(await errorOf(client.get('/hang', { signal: AbortSignal.timeout(30) }))))
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('callTimeout limits the time to the answer', async () => {
      const hasty = make({ callTimeout: 30 })
      assert.ok(isCallTimeoutError(await errorOf(hasty.client.get('/hang'))))
      assert.equal(countsOf(hasty.breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
      const { client, breaker } = make({ callTimeout: 60_000 })
      assert.equal((await client.get('/ok')).data, BODY)
      assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('a request that axios refuses to send is ignored', async () => {
      const { client, registry } = make()
      await errorOf(client.request({ url: 'wrong://nowhere/' }))
      await errorOf(client.post('/ok', 'x'.repeat(100), { maxBodyLength: 10 }))
      for (const [, breaker] of registry) assert.equal(breaker.failCounter, 0)
      assert.equal(inFlight(registry), 0)
    })

    it('with retries outside, every attempt is a call', async () => {
      const { client, breaker } = make({ failMax: 3 })
      client.interceptors.response.use(undefined, (error: { config?: InternalAxiosRequestConfig }) =>
        error.config ? client.request(error.config) : Promise.reject(error),
      )
      assert.ok((await errorOf(client.get('/status/503'))) instanceof CircuitBreakerError)
      assert.equal(server.requests.length, 3)
      assert.equal(breaker.state, 'open')
    })
  })
}

async function readAll(stream: AsyncIterable<unknown>): Promise<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of stream) text += decoder.decode(chunk as Uint8Array)
  return text
}

describe('the adapter', () => {
  const config = (more: object): InternalAxiosRequestConfig => more as InternalAxiosRequestConfig
  const answering =
    (data: unknown, status = 200): AxiosAdapter =>
    async (config) => ({ status, statusText: '', headers: {}, config, data })

  it('determines the origin as axios does', async () => {
    const guarded = breakerAdapter(answering('fine'))
    for (const each of [
      { url: 'https://one.example/a' },
      { url: '/a', baseURL: 'https://two.example/base' },
      { url: 'https://three.example/a', baseURL: 'https://no.example' },
      { url: 'https://no.example/a', baseURL: 'https://four.example', allowAbsoluteUrls: false },
      { url: '/a', socketPath: '/run/five.sock' },
      { url: '/relative/to/nothing' },
    ])
      await guarded(config(each))
    assert.deepEqual(
      [...guarded.registry].map(([key]) => key),
      [
        'https://one.example',
        'https://two.example',
        'https://three.example',
        'https://four.example',
        'unix:/run/five.sock',
      ],
    )
  })

  it('accepts a custom key made from the config of the request', async () => {
    const guarded = breakerAdapter(answering('fine'), { key: ({ method }) => method })
    await guarded(config({ url: '/a', method: 'get' }))
    assert.deepEqual(
      [...guarded.registry].map(([key]) => key),
      ['get'],
    )
  })

  it('an error thrown at once or later is passed on as a rejection, and a failure', async () => {
    const thrown = new Error('no')
    for (const adapter of [() => Promise.reject(thrown), () => raise(thrown)] as AxiosAdapter[]) {
      const guarded = breakerAdapter(adapter)
      assert.equal(await errorOf(guarded(config({ url: 'https://example.com' }))), thrown)
      assert.equal(guarded.registry.get('https://example.com').failCounter, 1)
    }
  })

  it('accepts answers and errors of any shape', async () => {
    for (const answer of [undefined, {}, 'text']) {
      const guarded = breakerAdapter((() => Promise.resolve(answer)) as unknown as AxiosAdapter)
      assert.equal(await guarded(config({ url: 'https://example.com' })), answer)
      assert.equal(inFlight(guarded.registry), 0)
    }
    // oxlint-disable-next-line prefer-promise-reject-errors
    const guarded = breakerAdapter((() => Promise.reject('text')) as AxiosAdapter)
    await assert.rejects(guarded(config({ url: 'https://example.com' })), (error) => error === 'text')
    assert.equal(guarded.registry.get('https://example.com').failCounter, 1)
  })

  it('a pipeline whose target is destroyed ends a stream without a failure', async () => {
    const stream = new Readable({ read() {} })
    stream.push('first part')
    const guarded = breakerAdapter(answering(stream))
    const { data } = (await guarded(config({ url: 'https://example.com' }))) as { data: Readable }
    assert.equal(data, stream)
    const target = new Writable({
      write(_chunk, _encoding, done) {
        done()
      },
    })
    setTimeout(() => target.destroy(), 10)
    assert.equal((await errorOf(pipeline(data, target))).code, 'ERR_STREAM_PREMATURE_CLOSE')
    await settled(guarded.registry)
    assert.equal(guarded.registry.get('https://example.com').failCounter, 0)
  })

  it('an endless stream closes a half-open circuit once it has been read for a while', async () => {
    const clock = withRealTimers(new ManualClock())
    const stream = new Readable({ read() {} })
    const timer = setInterval(() => stream.push('drop'), 2)
    const guarded = breakerAdapter(answering(stream), {
      breaker: { clock, timeoutDuration: 100 },
      releaseAfter: 20,
    })
    const breaker = guarded.registry.get('https://example.com')
    breaker.open()
    clock.advance(100)
    await guarded(config({ url: 'https://example.com' }))
    stream.resume()
    assert.equal(breaker.state, 'half-open')
    await settled(guarded.registry)
    assert.equal(breaker.state, 'closed')
    clearInterval(timer)
    stream.destroy()
    await delay(5)
  })

  it('a stream that has already ended or failed settles at once', async () => {
    const ended = Readable.from([])
    ended.resume()
    const failed = new Readable({ read() {} }).on('error', () => {})
    failed.destroy(new Error('cut'))
    await delay(5)
    const guarded = breakerAdapter(answering(ended))
    await guarded(config({ url: 'https://example.com' }))
    const failing = breakerAdapter(answering(failed))
    await failing(config({ url: 'https://example.com' }))
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '1 succeeded, 0 failed, 0 ignored, 0 rejected',
    )
    assert.equal(
      countsOf(failing.registry.get('https://example.com')),
      '0 succeeded, 1 failed, 0 ignored, 0 rejected',
    )
  })
})

function raise(error: Error): never {
  throw error
}
