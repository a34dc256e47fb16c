import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { breakerFetch, type BreakerFetchOptions } from '../../src/integrations/fetch.ts'
import { CircuitBreakerMonitor } from '../../src/monitor/index.ts'
import {
  CircuitBreakerError,
  CircuitBreakerRegistry,
  isCallTimeoutError,
  slowCallRate,
  type CircuitBreaker,
  type CircuitBreakerOptions,
} from '../../src/index.ts'
import { ManualClock } from '../../src/testing/index.ts'
import { countsOf, delay, errorOf, eventsOf, inFlight, settled } from './support/breakers.ts'
import { BODY, startServer, type TestServer } from './support/server.ts'

type Fetch = typeof fetch & { readonly registry: CircuitBreakerRegistry }

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

function make(
  breaker: CircuitBreakerOptions = {},
  options: BreakerFetchOptions = {},
): [Fetch, CircuitBreaker] {
  const guarded = breakerFetch(fetch, { ...options, breaker: { clock, timeoutDuration: 1_000, ...breaker } })
  return [guarded, guarded.registry.get(server.origin)]
}

describe('a guarded fetch', () => {
  it('gives the response as fetch does', async () => {
    const [guarded, breaker] = make()
    const response = await guarded(`${server.origin}/ok`)
    assert.ok(response instanceof Response)
    assert.equal(response.status, 200)
    assert.equal(response.url, `${server.origin}/ok`)
    const { type, redirected, statusText } = await fetch(`${server.origin}/ok`)
    assert.deepEqual(
      [response.type, response.redirected, response.statusText],
      [type, redirected, statusText],
    )
    assert.equal(response.bodyUsed, false)
    assert.equal(await response.text(), BODY)
    assert.equal(response.bodyUsed, true)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
    assert.equal(inFlight(guarded.registry), 0)
  })

  it('gives what a redirect ended at, under the origin that was asked', async () => {
    const [guarded, breaker] = make()
    const response = await guarded(`${server.origin}/redirect`)
    assert.equal(response.redirected, true)
    assert.equal(response.url, `${server.origin}/ok`)
    assert.equal(await response.text(), BODY)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('takes a string, a URL and a Request, and sends them untouched', async () => {
    const [guarded] = make()
    const seen: string[] = []
    server.answer = (request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${String(request.headers['x-own'])} ${body}`)
        response.end()
      })
      request.resume()
    }
    const init = { method: 'POST', headers: { 'x-own': 'yes' }, body: 'hello' }
    await guarded(`${server.origin}/a`, init)
    await guarded(new URL(`${server.origin}/b`), init)
    await guarded(new Request(`${server.origin}/c`, init))
    await guarded(new Request(`${server.origin}/d`, init), { headers: { 'x-own': 'other' } })
    assert.deepEqual(seen, [
      'POST /a yes hello',
      'POST /b yes hello',
      'POST /c yes hello',
      'POST /d other hello',
    ])
  })

  it('keeps what the function has besides, its name and its length', () => {
    const own = Object.assign(async (_input: string, _init?: object) => new Response(), {
      preconnect: () => 'there',
    })
    const guarded = breakerFetch(own)
    assert.equal(guarded.preconnect(), 'there')
    assert.equal(guarded.name, own.name)
    assert.equal(guarded.length, own.length)
    assert.ok(guarded.registry instanceof CircuitBreakerRegistry)
  })

  it('reads a body in every way', async () => {
    const [guarded, breaker] = make()
    const get = (): Promise<Response> => guarded(`${server.origin}/json`)
    assert.deepEqual(await (await get()).json(), { price: 12 })
    assert.equal(new TextDecoder().decode(await (await get()).arrayBuffer()), '{"price":12}')
    assert.equal(await (await (await get()).blob()).text(), '{"price":12}')
    let streamed = ''
    for await (const chunk of (await get()).body!.pipeThrough(new TextDecoderStream())) streamed += chunk
    assert.equal(streamed, '{"price":12}')
    const [one, other] = (await get()).body!.tee()
    assert.equal(await new Response(one).text(), '{"price":12}')
    assert.equal(await new Response(other).text(), '{"price":12}')
    assert.equal(countsOf(breaker), '5 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('gives the same body each time it is asked for, which locks as a body does', async () => {
    const [guarded] = make()
    const response = await guarded(`${server.origin}/ok`)
    const { body } = response
    assert.ok(body instanceof ReadableStream)
    assert.equal(response.body, body)
    assert.equal(response.bodyUsed, false)
    const reader = body.getReader()
    assert.equal(body.locked, true)
    assert.throws(() => body.getReader(), TypeError)
    await reader.read()
    assert.equal(response.bodyUsed, true)
    await assert.rejects(response.text(), TypeError)
    await reader.cancel()
  })

  it('hands the body on to whoever takes a stream or a response', async () => {
    const [guarded] = make()
    const first = await guarded(`${server.origin}/ok`)
    assert.equal(await new Response(first.body, first).text(), BODY)
    // What an engine reads by itself is not seen, and is as it was.
    const second = await guarded(`${server.origin}/ok`)
    assert.equal(await Response.prototype.text.call(second), BODY)
  })

  it('counts one call for a response and its clones, in whatever order they are read', async () => {
    const [guarded, breaker] = make()
    const response = await guarded(`${server.origin}/ok`)
    const copy = response.clone()
    assert.equal(await copy.text(), BODY)
    assert.equal(await response.text(), BODY)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('judges a response without a body at once', async () => {
    const [guarded, breaker] = make()
    await guarded(`${server.origin}/empty`)
    await guarded(`${server.origin}/ok`, { method: 'HEAD' })
    assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
    assert.equal(inFlight(guarded.registry), 0)
  })

  it('gives an error status as a response: 5xx, 429 and 408 are failures, all others successes', async () => {
    const [guarded, breaker] = make({ failMax: 100 })
    for (const status of [500, 503, 599, 429, 408]) {
      const response = await guarded(`${server.origin}/status/${status}`)
      assert.equal(response.status, status)
      assert.equal(inFlight(guarded.registry), 0) // judged by its headers
      assert.equal(await response.text(), `status ${status}`)
    }
    assert.equal(countsOf(breaker), '0 well, 5 failed, 0 ignored, 0 rejected')
    for (const status of [400, 401, 404, 409, 499])
      await (await guarded(`${server.origin}/status/${status}`)).text()
    assert.equal(countsOf(breaker), '5 well, 5 failed, 0 ignored, 0 rejected')
  })

  it('lets the statuses be classified', async () => {
    const classifyStatus = (status: number) =>
      status === 404 ? 'failure' : status === 429 ? 'ignored' : status === 500 ? 'success' : undefined
    const [guarded, breaker] = make({ failMax: 100 }, { classifyStatus })
    for (const status of [404, 429, 500, 503])
      await (await guarded(`${server.origin}/status/${status}`)).text()
    assert.equal(countsOf(breaker), '1 well, 2 failed, 1 ignored, 0 rejected')
  })

  it('ignores the call whose status cannot be classified, and reports why', async () => {
    const reports: unknown[] = []
    const bad = [
      () => {
        throw new Error('no idea')
      },
      () => 'good' as never,
    ]
    for (const classifyStatus of bad) {
      const [guarded, breaker] = make({ onListenerError: (error) => reports.push(error) }, { classifyStatus })
      assert.equal(await (await guarded(`${server.origin}/status/500`)).text(), 'status 500')
      assert.equal(countsOf(breaker), '0 well, 0 failed, 1 ignored, 0 rejected')
    }
    assert.equal(reports.length, 2)
  })

  it('asks the breaker`s own classifiers too', async () => {
    const shown: unknown[] = []
    const [guarded, breaker] = make({
      classifyResult: (response) => void shown.push(response),
      classifyError: (error) => void shown.push(error),
    })
    const good = await guarded(`${server.origin}/ok`)
    await good.text()
    await guarded(`${server.origin}/status/503`)
    assert.equal(shown[0], good)
    assert.equal((shown[1] as Error).name, 'HttpStatusError')
    assert.equal((shown[1] as { status: number }).status, 503)
    assert.equal(breaker.snapshot().lastFailure?.message, 'The server answered with status 503')
  })

  it('a network error is a failure, and the error fetch`s own', async () => {
    const [guarded, breaker] = make()
    const error = await errorOf(guarded(`${server.origin}/reset`))
    assert.ok(error instanceof TypeError)
    assert.equal(countsOf(breaker), '0 well, 1 failed, 0 ignored, 0 rejected')
    const refused = breakerFetch(fetch)
    await errorOf(refused('http://127.0.0.1:1'))
    assert.equal(refused.registry.get('http://127.0.0.1:1').failCounter, 1)
  })

  it('a body that breaks off is a failure, in whatever way it is read', async () => {
    const ways: Record<string, (response: Response) => Promise<unknown>> = {
      text: (response) => response.text(),
      json: (response) => response.json(),
      formData: async (response) => {
        Object.defineProperty(response.headers, 'get', { value: () => 'multipart/form-data; boundary=x' })
        return response.formData()
      },
      reader: async (response) => {
        const reader = response.body!.getReader()
        while (!(await reader.read()).done);
      },
      pipe: (response) => response.body!.pipeTo(new WritableStream()),
      'a clone': (response) => response.clone().arrayBuffer(),
    }
    for (const [way, read] of Object.entries(ways)) {
      const [guarded, breaker] = make()
      const response = await guarded(`${server.origin}/cut`)
      assert.equal(countsOf(breaker), '0 well, 0 failed, 0 ignored, 0 rejected', way)
      await errorOf(read(response))
      assert.equal(countsOf(breaker), '0 well, 1 failed, 0 ignored, 0 rejected', way)
      assert.equal(inFlight(guarded.registry), 0, way)
    }
  })

  it('a body that is not what its reader took it for is a success', async () => {
    const [guarded, breaker] = make()
    const json = await errorOf((await guarded(`${server.origin}/ok`)).json())
    assert.equal(json.name, 'SyntaxError')
    await errorOf((await guarded(`${server.origin}/ok`)).formData())
    assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('a body that its reader cancels is a success', async () => {
    const [guarded, breaker] = make()
    await (await guarded(`${server.origin}/drip`)).body!.cancel()
    for await (const chunk of (await guarded(`${server.origin}/drip`)).body!) {
      assert.ok(chunk.length > 0)
      break
    }
    assert.equal(countsOf(breaker), '2 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('a body that nobody reads gives its place back, and is a success that is never slow', async () => {
    const trip = slowCallRate({ threshold: 0.1, slowerThan: 100, minCalls: 1, lastCalls: 10 })
    const [guarded, breaker] = make({ trip }, { releaseAfter: 20 })
    const response = await guarded(`${server.origin}/big`)
    assert.equal(inFlight(guarded.registry), 1)
    clock.advance(10_000)
    await settled(guarded.registry, 2_000)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
    assert.equal(breaker.state, 'closed')
    assert.equal((await response.arrayBuffer()).byteLength, 8_000_000)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('makes up at the next request for the timers of a worker that has ended', async () => {
    const guarded = breakerFetch(async (_url: string) => new Response('hello'), { releaseAfter: 10 })
    const { setTimeout } = globalThis
    globalThis.setTimeout = (() => 0) as unknown as typeof setTimeout
    try {
      for (let i = 0; i < 3; i++) await guarded('https://example.com')
    } finally {
      globalThis.setTimeout = setTimeout
    }
    assert.equal(inFlight(guarded.registry), 3)
    await delay(15)
    const response = await guarded('https://example.com')
    assert.equal(inFlight(guarded.registry), 1)
    await response.text()
    assert.equal(inFlight(guarded.registry), 0)
  })

  it('a body that is being read is waited for, whoever is slow', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 15 })
    const stalled = (await guarded(`${server.origin}/stall`)).text()
    stalled.catch(() => {})
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    for (let i = 0; i < 20; i++) await reader.read()
    assert.equal(inFlight(guarded.registry), 2)
    await reader.cancel()
    await server.close()
    await errorOf(stalled)
    server = await startServer()
    assert.equal(countsOf(breaker), '1 well, 1 failed, 0 ignored, 0 rejected')
  })

  it('a reader that stops in mid-body is not waited for', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 15 })
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    await reader.read()
    await settled(guarded.registry, 2_000)
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
    await reader.cancel()
  })
})

describe('a guarded fetch and the circuit', () => {
  it('opens, rejects with a CircuitBreakerError without asking the server, probes and closes', async () => {
    const [guarded, breaker] = make({ failMax: 2 })
    for (let i = 0; i < 2; i++) await (await guarded(`${server.origin}/status/503`)).text()
    assert.equal(breaker.state, 'open')
    const error = await errorOf(guarded(`${server.origin}/ok`))
    assert.ok(error instanceof CircuitBreakerError)
    assert.equal(error.breaker, server.origin)
    assert.equal(error.retryAfter, 1_000)
    assert.equal((error.cause as { status: number }).status, 503)
    assert.equal(server.requests.length, 2)

    clock.advance(1_000)
    const probe = await guarded(`${server.origin}/ok`)
    const second = await errorOf(guarded(`${server.origin}/ok`))
    assert.ok(second instanceof CircuitBreakerError)
    assert.equal(second.reason, 'half-open')
    await probe.text()
    assert.equal(breaker.state, 'closed')
  })

  it('opens again when the probe`s body breaks off', async () => {
    const [guarded, breaker] = make({ failMax: 1 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    await errorOf((await guarded(`${server.origin}/cut`)).text())
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.snapshot().attempt, 2)
  })

  it('an endless probe closes the circuit once it has flowed for a while', async () => {
    const [guarded, breaker] = make({ failMax: 1 }, { releaseAfter: 20 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    const end = Date.now() + 2_000
    while (breaker.state === 'half-open' && Date.now() < end) await reader.read()
    assert.equal(breaker.state, 'closed')
    await reader.cancel()
  })

  it('a probe that nobody reads is judged before its lease ends', async () => {
    const [guarded, breaker] = make({ failMax: 1, probeTimeout: 40 }, { releaseAfter: 60_000 })
    await guarded(`${server.origin}/status/503`)
    clock.advance(1_000)
    await guarded(`${server.origin}/drip`)
    assert.equal(breaker.state, 'half-open')
    await settled(guarded.registry, 2_000)
    assert.equal(breaker.state, 'closed')
  })

  it('honours Retry-After in seconds and as a date, but no longer than an hour', async () => {
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

  it('leaves the open time to a function', async () => {
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

  it('mode observe and mode off let everything through', async () => {
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

  it('takes other keys, made of the URL, the method and the headers', async () => {
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

  it('takes a registry, which a monitor can watch and others can share', async () => {
    const monitor = new CircuitBreakerMonitor()
    const registry = new CircuitBreakerRegistry({ options: () => ({ failMax: 1 }) })
    monitor.watch(registry)
    const one = breakerFetch(fetch, { registry })
    const other = breakerFetch(fetch, { registry: one.registry })
    await one(`${server.origin}/status/500`)
    assert.ok((await errorOf(other(`${server.origin}/ok`))) instanceof CircuitBreakerError)
    assert.equal(monitor.snapshot().breakers[0]?.state, 'open')
  })

  it('makes the options of a breaker from its key', () => {
    const guarded = breakerFetch(fetch, { breaker: (key) => ({ name: `to ${key}`, failMax: key.length }) })
    assert.equal(guarded.registry.get('abc').name, 'to abc')
    assert.equal(guarded.registry.get('abc').options.failMax, 3)
  })
})

describe('a guarded fetch and its caller', () => {
  it('an abort before the request takes no place, and is the abort`s own error', async () => {
    const [guarded, breaker] = make()
    breaker.open({ for: 1_000 })
    const reason = new Error('changed my mind')
    assert.equal(await errorOf(guarded(`${server.origin}/ok`, { signal: AbortSignal.abort(reason) })), reason)
    assert.equal(server.requests.length, 0)
  })

  it('an abort before the headers is ignored', async () => {
    const [guarded, breaker] = make()
    for (const asRequest of [false, true]) {
      const controller = new AbortController()
      const { signal } = controller
      const url = `${server.origin}/hang`
      const promise = asRequest ? guarded(new Request(url, { signal })) : guarded(url, { signal })
      setTimeout(() => controller.abort(), 20)
      assert.equal((await errorOf(promise)).name, 'AbortError')
    }
    assert.equal(countsOf(breaker), '0 well, 0 failed, 2 ignored, 0 rejected')
  })

  it('an abort in mid-body is ignored, also if nobody reads', async () => {
    const [guarded, breaker] = make()
    for (const reads of [true, false]) {
      const controller = new AbortController()
      const response = await guarded(`${server.origin}/stall`, { signal: controller.signal })
      const text = reads ? errorOf(response.text()) : undefined
      await delay(10)
      controller.abort()
      assert.equal(inFlight(guarded.registry), 0)
      await text
    }
    assert.equal(countsOf(breaker), '0 well, 0 failed, 2 ignored, 0 rejected')
  })

  it('the caller`s own time-out is a failure, before the headers and after', async () => {
    const [guarded, breaker] = make()
    const early = await errorOf(guarded(`${server.origin}/hang`, { signal: AbortSignal.timeout(30) }))
    assert.equal(early.name, 'TimeoutError')
    const controller = new AbortController()
    const response = await guarded(`${server.origin}/stall`, { signal: controller.signal })
    const text = errorOf(response.text())
    controller.abort(new DOMException('late', 'TimeoutError')) // as `AbortSignal.timeout` does
    assert.equal((await text).name, 'TimeoutError')
    assert.equal(countsOf(breaker), '0 well, 2 failed, 0 ignored, 0 rejected')
  })

  it('an abort after the end changes nothing', async () => {
    const [guarded, breaker] = make()
    const controller = new AbortController()
    await (await guarded(`${server.origin}/ok`, { signal: controller.signal })).text()
    controller.abort()
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('callTimeout limits the time to the headers', async () => {
    const [hasty, breaker] = make({ callTimeout: 30 })
    let body: ReadableStreamDefaultController | undefined
    let aborted: AbortSignal | null | undefined
    assert.ok(isCallTimeoutError(await errorOf(hasty(`${server.origin}/hang`))))
    const [patient] = make({ callTimeout: 60_000 })
    const own = await errorOf(patient(`${server.origin}/hang`, { signal: AbortSignal.timeout(20) }))
    assert.equal(own.name, 'TimeoutError')
    assert.equal(countsOf(breaker), '0 well, 1 failed, 0 ignored, 0 rejected')
    // Its headers come at once, its body when the time is over.
    const answering = breakerFetch(
      async (_url: string, init?: RequestInit) => {
        aborted = init?.signal
        return new Response(new ReadableStream({ start: (controller) => void (body = controller) }))
      },
      { breaker: { callTimeout: 30 } },
    )
    const response = await answering('https://example.com')
    await delay(60)
    assert.equal(aborted?.aborted, false)
    body?.close()
    assert.equal(await response.text(), '')
    assert.match(countsOf(answering.registry.get('https://example.com')), /^1 well, 0 failed/)
  })

  it('callTimeout aborts the request, and ends the wait also for a fetch that knows no signal', async () => {
    let signal: AbortSignal | null | undefined
    const guarded = breakerFetch(
      (_url: string, init?: RequestInit) => {
        signal = init?.signal
        return new Promise<Response>(() => {})
      },
      { breaker: { callTimeout: 20 } },
    )
    assert.ok(isCallTimeoutError(await errorOf(guarded('https://example.com'))))
    assert.ok(isCallTimeoutError(signal?.reason))
    assert.equal(guarded.registry.get('https://example.com').failCounter, 1)
  })
})

describe('a guarded fetch and odd ones', () => {
  it('does not guard what has no origin', async () => {
    const guarded = breakerFetch(fetch)
    assert.equal(await (await guarded('data:text/plain,hello')).text(), 'hello')
    assert.ok((await errorOf(guarded('not a url'))) instanceof TypeError)
    assert.equal(guarded.registry.size, 0)
  })

  it('a fetch that throws at once is a rejection and a failure', async () => {
    const thrown = new RangeError('no')
    const guarded = breakerFetch((_url: string): Promise<Response> => {
      throw thrown
    })
    assert.equal(await errorOf(guarded('https://example.com')), thrown)
    assert.equal(guarded.registry.get('https://example.com').failCounter, 1)
  })

  it('calls fetch without a `this`, with the very arguments', async () => {
    const seen: unknown[] = []
    const guarded = breakerFetch(async function (this: unknown, ...args: unknown[]) {
      seen.push(this, ...args)
      return new Response()
    })
    const init = { method: 'GET' }
    await guarded.call({ its: 'own' }, 'https://example.com', init)
    await guarded('https://example.com')
    assert.deepEqual(seen, [undefined, 'https://example.com', init, undefined, 'https://example.com'])
    assert.equal(seen[2], init)
  })

  it('takes responses of any make', async () => {
    const makes: [unknown, string][] = [
      [undefined, '1 well, 0 failed'],
      [{ status: 200, ok: true, body: null }, '1 well, 0 failed'],
      [Object.freeze({ status: 200, text: async () => 'hi' }), '1 well, 0 failed'],
      [{ status: 503 }, '0 well, 1 failed'],
      [Response.error(), '0 well, 1 failed'],
    ]
    for (const [response, expected] of makes) {
      const guarded = breakerFetch(async (_url: string) => response as Response)
      assert.equal(await guarded('https://example.com'), response)
      assert.ok(countsOf(guarded.registry.get('https://example.com')).startsWith(expected))
    }
  })

  it('takes a plain object that reads like a response', async () => {
    const guarded = breakerFetch(async (_url: string) => ({
      status: 200,
      json: async () => ({ fine: true }),
    }))
    const response = await guarded('https://example.com')
    assert.deepEqual(await response.json(), { fine: true })
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '1 well, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('takes bodies of bytes, also into buffers of the reader`s own, and of anything else', async () => {
    const bytes = new ReadableStream({
      type: 'bytes',
      start(controller) {
        controller.enqueue(new Uint8Array([1, 2, 3]))
        controller.close()
      },
    })
    const guarded = breakerFetch(async (_url: string, body?: ReadableStream) => new Response(body))
    const { body } = await guarded('https://example.com', bytes)
    const reader = body!.getReader({ mode: 'byob' })
    assert.deepEqual((await reader.read(new Uint8Array(2))).value, new Uint8Array([1, 2]))
    assert.deepEqual((await reader.read(new Uint8Array(2))).value, new Uint8Array([3]))
    assert.equal((await reader.read(new Uint8Array(2))).done, true)

    const words = new ReadableStream({
      start(controller) {
        controller.enqueue('a word')
        controller.close()
      },
    })
    const chunks: unknown[] = []
    for await (const chunk of (await guarded('https://example.com', words)).body!) chunks.push(chunk)
    assert.deepEqual(chunks, ['a word'])
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '2 well, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('a response that is returned again and again is watched each time', async () => {
    const response = { status: 200, text: async () => 'hi' }
    const guarded = breakerFetch(async (_url: string) => response)
    for (let i = 0; i < 3; i++) assert.equal(await (await guarded('https://example.com')).text(), 'hi')
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '3 well, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('a reader`s mistake is none of the server`s', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 20 })
    const response = await guarded(`${server.origin}/drip`)
    const reader = response.body!.getReader()
    await reader.read()
    await assert.rejects(response.text(), TypeError)
    assert.equal(countsOf(breaker), '0 well, 0 failed, 0 ignored, 0 rejected')
    await reader.cancel()
    assert.equal(countsOf(breaker), '1 well, 0 failed, 0 ignored, 0 rejected')
  })

  it('tells listeners in the order of things', async () => {
    const [guarded, breaker] = make({ failMax: 1 })
    const events = eventsOf(breaker)
    await (await guarded(`${server.origin}/ok`)).text()
    await guarded(`${server.origin}/status/500`)
    await errorOf(guarded(`${server.origin}/ok`))
    assert.deepEqual(events, ['beforeCall', 'success', 'beforeCall', 'failure', 'closed > open', 'rejected'])
  })
})
