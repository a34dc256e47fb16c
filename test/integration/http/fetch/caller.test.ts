import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { breakerFetch, type BreakerFetchOptions } from '../../../../src/integrations/http/fetch.ts'
import { isCallTimeoutError } from '../../../../src/index.ts'
import { until } from '../../../helpers/until.ts'
import { countsOf, delay, errorOf, inFlight } from '../../support/breakers.ts'
import { make, server, useServer } from './guarded.ts'

useServer()

describe('a guarded fetch and its caller', () => {
  it('an abort before the request takes no permit, and rejects with the reason of the abort', async () => {
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
    assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
  })

  it('an abort in mid-body is ignored, even if nobody reads', async () => {
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
    assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
  })

  it('a timeout of the caller is a failure, before the headers and after', async () => {
    const [guarded, breaker] = make()
    const early = await errorOf(guarded(`${server.origin}/hang`, { signal: AbortSignal.timeout(30) }))
    assert.equal(early.name, 'TimeoutError')
    const controller = new AbortController()
    const response = await guarded(`${server.origin}/stall`, { signal: controller.signal })
    const text = errorOf(response.text())
    controller.abort(new DOMException('late', 'TimeoutError')) // as `AbortSignal.timeout` does
    assert.equal((await text).name, 'TimeoutError')
    assert.equal(countsOf(breaker), '0 succeeded, 2 failed, 0 ignored, 0 rejected')
  })

  it('an abort after the end changes nothing', async () => {
    const [guarded, breaker] = make()
    const controller = new AbortController()
    await (await guarded(`${server.origin}/ok`, { signal: controller.signal })).text()
    controller.abort()
    assert.equal(countsOf(breaker), '1 succeeded, 0 failed, 0 ignored, 0 rejected')
  })

  const settledEarly: Record<string, BreakerFetchOptions> = {
    'a failing status has settled the call': { classifyStatus: () => 'failure' },
    'an ignored status has settled the call': { classifyStatus: () => 'ignored' },
    'the call was settled because nobody read the body': { releaseAfter: 20 },
  }
  for (const [title, options] of Object.entries(settledEarly)) {
    it(`an abort in mid-body still ends the body when ${title}, also with a callTimeout`, async () => {
      const [guarded, breaker] = make({ callTimeout: 60_000 }, options)
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const response = await guarded(`${server.origin}/stall`, { signal: controller.signal })
      await until(() => breaker.snapshot().inFlight === 0, 'the call is settled')
      globalThis.gc?.()
      const text = errorOf(response.text())
      controller.abort(reason)
      assert.equal(await text, reason)
    })
  }

  it('callTimeout limits the time to the headers', async () => {
    const [hasty, breaker] = make({ callTimeout: 30 })
    let body: ReadableStreamDefaultController | undefined
    let aborted: AbortSignal | null | undefined
    assert.ok(isCallTimeoutError(await errorOf(hasty(`${server.origin}/hang`))))
    const [patient] = make({ callTimeout: 60_000 })
    const own = await errorOf(patient(`${server.origin}/hang`, { signal: AbortSignal.timeout(20) }))
    assert.equal(own.name, 'TimeoutError')
    assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    // The headers arrive at once, the body after the timeout.
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
    assert.match(countsOf(answering.registry.get('https://example.com')), /^1 succeeded, 0 failed/)
  })

  it('callTimeout aborts the request, and ends the wait even if fetch ignores the signal', async () => {
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
