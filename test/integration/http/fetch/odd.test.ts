import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerFetch } from '../../../../src/integrations/http/fetch.ts'
import { countsOf, errorOf, eventsOf } from '../../support/breakers.ts'
import { make, server, useServer } from './guarded.ts'

useServer()

describe('a guarded fetch in unusual cases', () => {
  it('does not guard a request without an origin', async () => {
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

  it('calls fetch without a `this`, with the original arguments', async () => {
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

  it('accepts responses of any shape', async () => {
    const makes: [unknown, string][] = [
      [undefined, '1 succeeded, 0 failed'],
      [{ status: 200, ok: true, body: null }, '1 succeeded, 0 failed'],
      [Object.freeze({ status: 200, text: async () => 'hi' }), '1 succeeded, 0 failed'],
      [{ status: 503 }, '0 succeeded, 1 failed'],
      [Response.error(), '0 succeeded, 1 failed'],
    ]
    for (const [response, expected] of makes) {
      const guarded = breakerFetch(async (_url: string) => response as Response)
      assert.equal(await guarded('https://example.com'), response)
      assert.ok(countsOf(guarded.registry.get('https://example.com')).startsWith(expected))
    }
  })

  it('accepts a plain object with the methods of a response', async () => {
    const guarded = breakerFetch(async (_url: string) => ({
      status: 200,
      json: async () => ({ fine: true }),
    }))
    const response = await guarded('https://example.com')
    assert.deepEqual(await response.json(), { fine: true })
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '1 succeeded, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('supports byte streams, also into buffers supplied by the reader, and streams of other values', async () => {
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
      '2 succeeded, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('watches a response each time that it is returned', async () => {
    const response = { status: 200, text: async () => 'hi' }
    const guarded = breakerFetch(async (_url: string) => response)
    for (let i = 0; i < 3; i++) assert.equal(await (await guarded('https://example.com')).text(), 'hi')
    assert.equal(
      countsOf(guarded.registry.get('https://example.com')),
      '3 succeeded, 0 failed, 0 ignored, 0 rejected',
    )
  })

  it('does not count the mistake of a reader as a failure', async () => {
    const [guarded, breaker] = make({}, { releaseAfter: 20 })
    const response = await guarded(`${server.origin}/drip`)
    const reader = response.body!.getReader()
    await reader.read()
    await assert.rejects(response.text(), TypeError)
    assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 0 ignored, 0 rejected')
    await reader.cancel()
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  it('notifies listeners in order', async () => {
    const [guarded, breaker] = make({ failMax: 1 })
    const events = eventsOf(breaker)
    await (await guarded(`${server.origin}/ok`)).text()
    await guarded(`${server.origin}/status/500`)
    await errorOf(guarded(`${server.origin}/ok`))
    assert.deepEqual(events, ['beforeCall', 'success', 'beforeCall', 'failure', 'closed > open', 'rejected'])
  })
})
