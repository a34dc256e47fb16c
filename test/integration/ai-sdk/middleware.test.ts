import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CircuitBreakerRegistry, isCircuitBreakerError } from '../../../src/index.ts'
import { breakerMiddleware } from '../../../src/integrations/ai-sdk/index.ts'
import { countsOf, delay, errorOf, inFlight } from '../support/breakers.ts'
import { drain, END, SDKS, text, type Part } from './models.ts'
import { keepAlive } from '../support/alive.ts'
import { clock, guarding, useClock } from './guarded.ts'

keepAlive()
useClock()

for (const sdk of SDKS) {
  const { failWith, generate, guard, stream } = guarding(sdk)

  describe(`the middleware in ${sdk.name}`, () => {
    it('counts an answer as a success and leaves it unchanged', async () => {
      const { model, breaker } = guard({
        generate: () => 'Hello',
        stream: () => [...text('Hel', 'lo'), END, sdk.finish()],
      })
      assert.equal(await generate(model), 'Hello')
      const streamed = sdk.streamText({ model, prompt: 'Hi' })
      assert.equal(await streamed.text, 'Hello')
      assert.equal(await streamed.finishReason, 'stop')
      assert.equal(countsOf(breaker), '2 succeeded, 0 failed, 0 ignored, 0 rejected')
      assert.equal(model.modelId, 'model')
    })

    it('opens, rejects without calling the provider, and closes after a probe', async () => {
      let healthy = false
      const { model, breaker, calls } = guard(
        { generate: () => (healthy ? 'Hello' : Promise.reject(failWith(503))) },
        { failMax: 2 },
      )
      await errorOf(generate(model))
      await errorOf(generate(model))
      const error = await errorOf(generate(model))
      assert.ok(isCircuitBreakerError(error))
      assert.equal(error.retryAfter, 1_000)
      const streamed = await stream(model)
      assert.ok(isCircuitBreakerError(streamed.error))
      assert.equal(calls(), 2)
      healthy = true
      clock.advance(1_000)
      assert.equal(breaker.state, 'half-open')
      assert.equal(await generate(model), 'Hello')
      assert.equal(breaker.state, 'closed')
    })

    it('the SDK does not retry a rejection', async () => {
      const { model, breaker, calls } = guard({ generate: () => Promise.reject(failWith(503)) })
      breaker.open()
      await errorOf(sdk.generateText({ model, prompt: 'Hi', maxRetries: 5 }))
      assert.equal(breaker.snapshot().rejected, 1)
      assert.equal(calls(), 0)
    })

    it('counts overloads, broken providers and broken networks as failures', async () => {
      const errors = [
        failWith(500),
        failWith(529),
        failWith(429),
        failWith(408),
        failWith(400, { data: { error: { type: 'overloaded_error' } } }),
        failWith(402, { data: { error: { code: 'insufficient_quota' } } }),
        failWith(200),
        new sdk.APICallError({
          message: 'cannot connect',
          url: 'u',
          requestBodyValues: {},
          isRetryable: true,
        }),
        Object.assign(new Error('reset'), { code: 'ECONNRESET' }),
      ]
      const { model, breaker } = guard(
        { generate: () => Promise.reject(errors[breaker.failCounter]) },
        { failMax: 100 },
      )
      for (const expected of errors) assert.equal(await errorOf(generate(model)), expected)
      assert.equal(countsOf(breaker), `0 succeeded, ${errors.length} failed, 0 ignored, 0 rejected`)
    })

    it('ignores errors caused by the request or its sender', async () => {
      const errors = [
        ...[400, 401, 403, 404, 409, 413, 422].map((status) => failWith(status)),
        failWith(400, { data: { error: { code: 'content_filter' } } }),
        Object.assign(new Error('no key'), { name: 'AI_LoadAPIKeyError' }),
        Object.assign(new Error('no such'), { name: 'AI_UnsupportedFunctionalityError' }),
        Object.assign(new Error('too many files'), { code: 'EMFILE' }),
      ]
      const { model, breaker } = guard({
        generate: () => Promise.reject(errors[breaker.snapshot().ignored]),
      })
      for (const expected of errors) assert.equal(await errorOf(generate(model)), expected)
      assert.equal(countsOf(breaker), `0 succeeded, 0 failed, ${errors.length} ignored, 0 rejected`)
    })

    it('classifies an error part like an error, including plain objects', async () => {
      const outcomes = async (error: unknown): Promise<string> => {
        const { model, breaker } = guard({
          stream: () => [...text('Hel'), { type: 'error', error }, sdk.finish('error')],
        })
        const { types } = await stream(model)
        assert.ok(types.includes('error'))
        return countsOf(breaker)
      }
      const failed = '0 succeeded, 1 failed, 0 ignored, 0 rejected'
      const ignored = '0 succeeded, 0 failed, 1 ignored, 0 rejected'
      assert.equal(await outcomes(failWith(529)), failed)
      assert.equal(await outcomes({ type: 'overloaded_error', message: 'Overloaded' }), failed)
      assert.equal(await outcomes('{"type":"overloaded_error"}'), failed)
      assert.equal(await outcomes('something'), failed)
      assert.equal(await outcomes({ error: { type: 'invalid_request_error' } }), ignored)
      assert.equal(await outcomes({ code: 'content_filter', message: 'no' }), ignored)
      assert.equal(await outcomes(failWith(403)), ignored)
    })

    it('counts a stream that breaks, or ends before it is finished, as a failure', async () => {
      const broken = new TypeError('terminated')
      const { model, breaker } = guard({
        stream: () => (breaker.failCounter === 0 ? [...text('Hel'), broken] : text('Hel', 'lo')),
      })
      assert.equal((await stream(model)).error, broken)
      assert.equal(breaker.failCounter, 1)
      await stream(model)
      assert.equal(breaker.failCounter, 2)
      assert.match(breaker.snapshot().lastFailure?.message ?? '', /ended before it was finished/)
    })

    it('counts the finish reason error as a failure and ignores content-filter', async () => {
      const { model, breaker } = guard({
        generate: () => 'x|error',
        stream: () => [...text('x'), END, sdk.finish('content-filter')],
      })
      await generate(model)
      await stream(model)
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 1 ignored, 0 rejected')
    })

    it('keeps a stream in flight until its end, and counts its first outcome', async () => {
      const { model, breaker } = guard({
        stream: () => [...text('a'), { type: 'error', error: 'first' }, END, sdk.finish()],
      })
      const { stream: parts } = await model.doStream({ prompt: [] })
      assert.equal(breaker.snapshot().inFlight, 1)
      await drain(parts)
      assert.equal(breaker.snapshot().inFlight, 0)
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 0 ignored, 0 rejected')
    })

    it('ignores a consumer that cancels, and cancels the stream of the provider', async () => {
      let cancelReason: unknown
      const given = sdk.model({})
      given.doStream = async () => ({
        stream: new ReadableStream<Part>({
          pull: (controller) => controller.enqueue({ type: 'text-delta', id: '1', delta: 'x' }),
          cancel: (reason) => void (cancelReason = reason),
        }),
      })
      const middleware = breakerMiddleware()
      const model = sdk.wrapLanguageModel({ model: given, middleware })
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      await reader.read()
      await reader.cancel('enough')
      assert.equal(cancelReason, 'enough')
      assert.equal(
        countsOf(middleware.registry.get('mock:model')),
        '0 succeeded, 0 failed, 1 ignored, 0 rejected',
      )
    })

    it('ignores a caller that aborts at once, and counts its timeout as a failure', async () => {
      const { model, breaker } = guard({
        generate: () => new Promise(() => {}),
        stream: () => [...text('Hel'), 'hang'],
      })
      const controller = new AbortController()
      void model.doGenerate({ prompt: [], abortSignal: controller.signal })
      const { stream: parts } = await model.doStream({ prompt: [], abortSignal: controller.signal })
      void drain(parts)
      assert.equal(breaker.snapshot().inFlight, 2)
      controller.abort()
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 2 ignored, 0 rejected')
      assert.equal(breaker.snapshot().inFlight, 0)

      const timedOut = new AbortController()
      void model.doGenerate({ prompt: [], abortSignal: timedOut.signal })
      await delay(0)
      timedOut.abort(new DOMException('too long', 'TimeoutError'))
      assert.equal(breaker.failCounter, 1)
    })

    it('takes no permit for a caller that has aborted already', async () => {
      const { model, breaker, calls } = guard({ generate: () => 'Hello' })
      await model.doGenerate({ prompt: [], abortSignal: AbortSignal.abort() })
      assert.equal(calls(), 1) // the provider itself reports the abort
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 0 ignored, 0 rejected')
    })

    it('gives the permit back when a model throws at once', async () => {
      const given = sdk.model({})
      given.doStream = () => {
        throw new Error('at once')
      }
      const middleware = breakerMiddleware()
      const model = sdk.wrapLanguageModel({ model: given, middleware })
      const error = await errorOf(model.doStream({ prompt: [] }))
      assert.equal(error.message, 'at once')
      given.doStream = async () => ({}) as never
      assert.match((await errorOf(model.doStream({ prompt: [] }))).message, /answer with a stream/)
      assert.equal(inFlight(middleware.registry), 0)
      assert.equal(middleware.registry.get('mock:model').failCounter, 2)
    })

    it('errorOnTrip gives a CircuitBreakerError to the call that tripped', async () => {
      const { model } = guard(
        { stream: () => [...text('a'), { type: 'error', error: 'overloaded' }, sdk.finish('error')] },
        { failMax: 1, errorOnTrip: true },
      )
      const { error } = await stream(model)
      assert.ok(isCircuitBreakerError(error))
      assert.equal(error.cause, 'overloaded')
    })

    it('lets classifyError decide first, and ignores the call when it throws', async () => {
      const reported: unknown[] = []
      const { model, breaker } = guard(
        { generate: () => Promise.reject(failWith(403)) },
        { onListenerError: (error) => reported.push(error) },
        {
          classifyError: () => {
            if (breaker.failCounter > 0) throw new Error('bug')
            return 'failure'
          },
        },
      )
      await errorOf(generate(model))
      await errorOf(generate(model))
      assert.equal(countsOf(breaker), '0 succeeded, 1 failed, 1 ignored, 0 rejected')
      assert.equal(reported.length, 1)
    })

    it('ignores a rejection by a breaker inside', async () => {
      const { model: inner, breaker: innerBreaker } = guard({ generate: () => 'Hello' })
      innerBreaker.open()
      const middleware = breakerMiddleware()
      const outer = sdk.wrapLanguageModel({ model: inner, middleware })
      assert.ok(isCircuitBreakerError(await errorOf(generate(outer))))
      const breaker = middleware.registry.get('mock:model')
      assert.equal(countsOf(breaker), '0 succeeded, 0 failed, 1 ignored, 0 rejected')
    })
  })

  describe(`the breakers of the middleware in ${sdk.name}`, () => {
    it('are one per provider and model', async () => {
      const middleware = breakerMiddleware()
      for (const modelId of ['a', 'b', 'a']) {
        const model = sdk.model({ modelId, generate: () => 'x' })
        await generate(sdk.wrapLanguageModel({ model, middleware }))
      }
      assert.deepEqual(
        [...middleware.registry].map(([key]) => key),
        ['mock:b', 'mock:a'],
      )
    })

    it('are created per key, and a key of undefined means no guard', async () => {
      const registry = new CircuitBreakerRegistry()
      const middleware = breakerMiddleware({
        registry,
        key: ({ provider, modelId }) => (modelId === 'free' ? undefined : provider),
      })
      for (const modelId of ['a', 'free']) {
        const model = sdk.model({ modelId, generate: () => 'x' })
        await generate(sdk.wrapLanguageModel({ model, middleware }))
      }
      assert.equal(middleware.registry, registry)
      assert.deepEqual(
        [...registry].map(([key]) => key),
        ['mock'],
      )
    })
  })
}

describe('the options of breakerMiddleware', () => {
  it('are validated', () => {
    const make = (options: object) => () => breakerMiddleware(options)
    assert.throws(make({ breakers: {} }), /breakerMiddleware options.*got `breakers`: did you mean `breaker`/)
    assert.throws(make({ key: 'a' }), /Expected `key` to be a function/)
    assert.throws(make({ breaker: 5 }), /Expected `breaker` to be an object or a function/)
    assert.throws(make({ breaker: { failMax: 0 } }), RangeError)
    assert.throws(make({ registry: {} }), /CircuitBreakerRegistry/)
    assert.throws(make({ registry: new CircuitBreakerRegistry(), breaker: {} }), /left out/)
    assert.throws(make({ classifyError: 1 }), /Expected `classifyError` to be a function/)
    assert.throws(make({ releaseAfter: 0 }), RangeError)
  })

  it('can be set per breaker, including probeTimeout and timeoutDuration', () => {
    const middleware = breakerMiddleware({
      breaker: (key) => ({ probeTimeout: 5_000, timeoutDuration: () => key.length }),
    })
    const breaker = middleware.registry.get('mock:x')
    assert.equal(breaker.options.probeTimeout, 5_000)
    breaker.open()
    assert.ok(breaker.retryAfter <= 6)
  })
})
