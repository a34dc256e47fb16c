import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerFetch } from '../../../../src/integrations/http/fetch.ts'
import { CircuitBreakerRegistry, slowCallRate } from '../../../../src/index.ts'
import { countsOf, delay, errorOf, inFlight, settled } from '../../support/breakers.ts'
import { BODY } from '../../support/server.ts'
import { clock, make, restart, server, useServer } from './guarded.ts'

useServer()

describe('a guarded fetch', () => {
  it('returns the response as fetch does', async () => {
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
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    assert.equal(inFlight(guarded.registry), 0)
  })

  it('returns the response that a redirect ended at, counted under the requested origin', async () => {
    const [guarded, breaker] = make()
    const response = await guarded(`${server.origin}/redirect`)
    assert.equal(response.redirected, true)
    assert.equal(response.url, `${server.origin}/ok`)
    assert.equal(await response.text(), BODY)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('accepts a string, a URL and a Request, and sends them unchanged', async () => {
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

  it('keeps the other properties of the function, its name and its length', () => {
    const own = Object.assign(async (_input: string, _init?: object) => new Response(), {
      preconnect: () => 'there',
    })
    const guarded = breakerFetch(own)
    assert.equal(guarded.preconnect(), 'there')
    assert.equal(guarded.name, own.name)
    assert.equal(guarded.length, own.length)
    assert.ok(guarded.registry instanceof CircuitBreakerRegistry)
  })

  it('supports every way to read a body', async () => {
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
    assert.equal(countsOf(breaker), '5 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('returns the same body on each access, with the usual locking', async () => {
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

  it('passes the body on to consumers of a stream or a response', async () => {
    const [guarded] = make()
    const first = await guarded(`${server.origin}/ok`)
    assert.equal(await new Response(first.body, first).text(), BODY)
    // The guard does not see what an engine reads internally, and leaves it unchanged.
    const second = await guarded(`${server.origin}/ok`)
    assert.equal(await Response.prototype.text.call(second), BODY)
  })

  it('counts one call for a response and its clones, in whatever order they are read', async () => {
    const [guarded, breaker] = make()
    const response = await guarded(`${server.origin}/ok`)
    const copy = response.clone()
    assert.equal(await copy.text(), BODY)
    assert.equal(await response.text(), BODY)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('settles a response without a body at once', async () => {
    const [guarded, breaker] = make()
    await guarded(`${server.origin}/empty`)
    await guarded(`${server.origin}/ok`, { method: 'HEAD' })
    assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
    assert.equal(inFlight(guarded.registry), 0)
  })

  it('returns an error status as a response: 5xx, 429 and 408 are failures, all others successes', async () => {
    const [guarded, breaker] = make({ failMax: 100 })
    for (const status of [500, 503, 599, 429, 408]) {
      const response = await guarded(`${server.origin}/status/${status}`)
      assert.equal(response.status, status)
      assert.equal(inFlight(guarded.registry), 0) // settled by its headers
      assert.equal(await response.text(), `status ${status}`)
    }
    assert.equal(countsOf(breaker), '0 succeeded, 5 failed, 0 ignored, 0 rejected')
    for (const status of [400, 401, 404, 409, 499])
      await (await guarded(`${server.origin}/status/${status}`)).text()
    assert.equal(countsOf(breaker), '5 succeeded, 5 failed, 0 ignored, 0 rejected')
  })

  it('classifies statuses with classifyStatus', async () => {
    const classifyStatus = (status: number) =>
      status === 404 ? 'failure' : status === 429 ? 'ignored' : status === 500 ? 'success' : undefined
    const [guarded, breaker] = make({ failMax: 100 }, { classifyStatus })
    for (const status of [404, 429, 500, 503])
      await (await guarded(`${server.origin}/status/${status}`)).text()
    assert.equal(countsOf(breaker), '1 succeeded, 2 failed, 1 ignored, 0 rejected')
  })

  it('classifies by the default where the status classifier throws, and reports the error', async () => {
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
      assert.equal(await (await guarded(`${server.origin}/ok`)).text(), BODY)
      assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
    }
    assert.equal(reports.length, 4)
  })

  it('also applies the classifiers of the breaker', async () => {
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

  it('a network error is a failure, and rejects with the error of fetch', async () => {
    const [guarded, breaker] = make()
    const error = await errorOf(guarded(`${server.origin}/reset`))
    assert.ok(error instanceof TypeError)
    assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    const refused = breakerFetch(fetch)
    await errorOf(refused('http://127.0.0.1:1'))
    assert.equal(refused.registry.get('http://127.0.0.1:1').failCounter, 1)
  })

  it('a body that breaks off is a failure, however it is read', async () => {
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
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 0 ignored, 0 rejected', way)
      await errorOf(read(response))
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected', way)
      assert.equal(inFlight(guarded.registry), 0, way)
    }
  })

  it('a body that its reader cannot parse is a success', async () => {
    const [guarded, breaker] = make()
    const json = await errorOf((await guarded(`${server.origin}/ok`)).json())
    assert.equal(json.name, 'SyntaxError')
    await errorOf((await guarded(`${server.origin}/ok`)).formData())
    assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('a body that its reader cancels is a success', async () => {
    const [guarded, breaker] = make()
    await (await guarded(`${server.origin}/drip`)).body!.cancel()
    for await (const chunk of (await guarded(`${server.origin}/drip`)).body!) {
      assert.ok(chunk.length > 0)
      break
    }
    assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('a body that nobody reads gives its permit back, and is a success that is never slow', async () => {
    const trip = slowCallRate({ threshold: 0.1, slowerThan: 100, minCalls: 1, lastCalls: 10 })
    const [guarded, breaker] = make({ trip }, { releaseAfter: 20 })
    const response = await guarded(`${server.origin}/big`)
    assert.equal(inFlight(guarded.registry), 1)
    clock.advance(10_000)
    await settled(guarded.registry, 2_000)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    assert.equal(breaker.state, 'closed')
    assert.equal((await response.arrayBuffer()).byteLength, 8_000_000)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('releases permits at the next request when the timers of an ended worker are lost', async () => {
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

  it('waits for a body that is being read, whichever side is slow', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 15 })
    const stalled = (await guarded(`${server.origin}/stall`)).text()
    stalled.catch(() => {})
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    for (let i = 0; i < 20; i++) await reader.read()
    assert.equal(inFlight(guarded.registry), 2)
    await reader.cancel()
    await server.close()
    await errorOf(stalled)
    await restart()
    assert.equal(countsOf(breaker), '1 succeeded, 1 failed, 0 ignored, 0 rejected')
  })

  it('does not wait for a reader that stops in mid-body', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 15 })
    const reader = (await guarded(`${server.origin}/drip`)).body!.getReader()
    await reader.read()
    await settled(guarded.registry, 2_000)
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
    await reader.cancel()
  })
})
