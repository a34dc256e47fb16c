import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type * as undici8 from 'undici'
import { CircuitBreakerError } from '../../../../src/index.ts'
import { countsOf, delay, errorOf, inFlight, settled } from '../../support/breakers.ts'
import { BODY } from '../../support/server.ts'
import { guarding, server, useServer, VERSIONS } from './guarded.ts'

useServer()

for (const [version, undici] of VERSIONS) {
  const { make } = guarding(undici)

  // The built-in fetch of Node 22 and 24 uses the hooks of undici 6.
  describe(`the interceptor of ${version}, under the runtime's own fetch`, () => {
    const through = (dispatcher: undici8.Dispatcher, path: string, init: object = {}): Promise<Response> =>
      fetch(`${server.origin}${path}`, { dispatcher, ...init } as RequestInit)

    it('passes a response on', async () => {
      const { dispatcher, breaker, registry } = make()
      const response = await through(dispatcher, '/ok', { method: 'POST', body: 'hello' })
      assert.equal(await response.text(), BODY)
      assert.equal((await through(dispatcher, '/json')).headers.get('content-type'), 'application/json')
      await settled(registry)
      assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
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

    it('an abort is ignored, and a large body flows as fast as it is read', async () => {
      const { dispatcher, breaker, registry } = make()
      const controller = new AbortController()
      const promise = errorOf(through(dispatcher, '/hang', { signal: controller.signal }))
      await delay(30)
      controller.abort()
      assert.equal((await promise).name, 'AbortError')
      await settled(registry)
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
      assert.equal((await (await through(dispatcher, '/big')).arrayBuffer()).byteLength, 8_000_000)
    })
  })
}

it('the old hooks are called with all information', async () => {
  const { modern } = await import('../../../../src/integrations/http/undici-hooks.ts')
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
