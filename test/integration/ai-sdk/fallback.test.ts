import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { isCallTimeoutError, isCircuitBreakerError } from '../../../src/index.ts'
import { fallback, type FallbackModel } from '../../../src/integrations/ai-sdk/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { delay, errorOf, inFlight } from '../support/breakers.ts'
import { warningsFrom } from '../../helpers/warnings.ts'
import { drain, END, SDKS, text, type Part } from './models.ts'
import { keepAlive } from '../support/alive.ts'

keepAlive()

for (const sdk of SDKS) {
  const failWith = (statusCode: number, more: object = {}): Error =>
    new sdk.APICallError({
      message: `status ${statusCode}`,
      url: 'u',
      requestBodyValues: {},
      statusCode,
      ...more,
    })
  const failing = (modelId: string, error: unknown = failWith(503)): ReturnType<typeof sdk.model> =>
    sdk.model({
      modelId,
      generate: () => Promise.reject(error),
      stream: () => [{ type: 'stream-start', warnings: [] }, { type: 'error', error }, sdk.finish('error')],
    })
  const answering = (modelId: string): ReturnType<typeof sdk.model> =>
    sdk.model({
      modelId,
      generate: () => `by ${modelId}`,
      stream: () => [...text(`by `, modelId), END, sdk.finish()],
    })

  const ask = async (model: FallbackModel<LanguageModelV4>): Promise<[text: string, report: unknown]> => {
    const result = await sdk.generateText({ model, prompt: 'Hi', maxRetries: 0 })
    return [result.text, result.providerMetadata?.['recloser']]
  }
  const read = async (
    model: FallbackModel<LanguageModelV4>,
  ): Promise<[text: string, report: unknown, errors: unknown[]]> => {
    const errors: unknown[] = []
    const result = sdk.streamText({
      model,
      prompt: 'Hi',
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    })
    await drain(result.fullStream)
    try {
      return [await result.text, (await result.providerMetadata)?.['recloser'], errors]
    } catch {
      return ['', undefined, errors]
    }
  }

  describe(`fallback in ${sdk.name}`, () => {
    it('calls the first model and reports which one answered', async () => {
      const second = answering('b')
      const model = fallback([answering('a'), second])
      assert.deepEqual(await ask(model), ['by a', { model: 'mock:a', passedOver: [] }])
      assert.deepEqual(await read(model), ['by a', { model: 'mock:a', passedOver: [] }, []])
      assert.equal(second.calls(), 0)
      assert.equal(model.modelId, 'a')
      assert.equal(model.provider, 'mock')
      assert.equal(model.specificationVersion, sdk.model({}).specificationVersion)
    })

    it('calls the next model after a failure, and skips a model whose circuit is open', async () => {
      const first = failing('a')
      const model = fallback([first, answering('b')], { breaker: { failMax: 2 } })
      assert.deepEqual(await ask(model), [
        'by b',
        {
          model: 'mock:b',
          passedOver: [{ model: 'mock:a', error: 'AI_APICallError: status 503' }],
        },
      ])
      const [streamed, , errors] = await read(model)
      assert.equal(streamed, 'by b')
      assert.deepEqual(errors, [])
      assert.equal(model.registry.get('mock:a').state, 'open')
      const [answer, report] = (await ask(model)) as [string, { passedOver: { error: string }[] }]
      assert.equal(answer, 'by b')
      assert.match(report.passedOver[0]?.error ?? '', /Circuit "mock:a" is open/)
      assert.equal((await read(model))[0], 'by b')
      assert.equal(first.calls(), 2)
      assert.equal(inFlight(model.registry), 0)
    })

    it('returns to the first model once a probe succeeds', async () => {
      const clock = new ManualClock()
      let healthy = false
      const first = sdk.model({
        modelId: 'a',
        generate: () => (healthy ? 'by a' : Promise.reject(failWith(529))),
      })
      const model = fallback([first, answering('b')], {
        breaker: { failMax: 1, timeoutDuration: 1_000, clock },
      })
      assert.equal((await ask(model))[0], 'by b')
      healthy = true
      assert.equal((await ask(model))[0], 'by b')
      clock.advance(1_000)
      assert.equal((await ask(model))[0], 'by a')
    })

    it('does not fall over once a stream has started', async () => {
      const error = failWith(503)
      const second = answering('b')
      const begun = sdk.model({ modelId: 'a', stream: () => [...text('Hel'), { type: 'error', error }] })
      const model = fallback([begun, second])
      const [, , errors] = await read(model)
      assert.deepEqual(errors, [error])
      assert.equal(second.calls(), 0)
      assert.equal(model.registry.get('mock:a').failCounter, 1)

      const broken = new TypeError('terminated')
      const breaking = sdk.model({ modelId: 'a', stream: () => [...text('Hel'), broken] })
      const parts = await fallback([breaking, second]).doStream({ prompt: [] })
      const { types, error: seen } = await drain(parts.stream)
      assert.deepEqual(types, ['stream-start', 'text-start', 'text-delta'])
      assert.equal(seen, broken)
      assert.equal(second.calls(), 0)
    })

    it('falls over when a stream breaks, ends or refuses before its first token', async () => {
      const streams: (() => (Part | Error)[])[] = [
        () => text(),
        () => [...text(), new TypeError('terminated')],
        () => [{ type: 'error', error: { type: 'overloaded_error' } }],
        () => {
          throw failWith(500)
        },
      ]
      for (const stream of streams) {
        const model = fallback([sdk.model({ modelId: 'a', stream }), answering('b')])
        const { stream: parts } = await model.doStream({ prompt: [] })
        const { types, error } = await drain(parts)
        assert.deepEqual(types, [
          'stream-start',
          'text-start',
          'text-delta',
          'text-delta',
          'text-end',
          'finish',
        ])
        assert.equal(error, undefined)
        assert.equal(model.registry.get('mock:a').failCounter, 1)
        assert.equal(inFlight(model.registry), 0)
      }
    })

    it('accepts an answer without a token', async () => {
      const model = fallback([
        sdk.model({ modelId: 'a', stream: () => [sdk.finish('length')] }),
        answering('b'),
      ])
      const { types } = await drain((await model.doStream({ prompt: [] })).stream)
      assert.deepEqual(types, ['finish'])
    })

    it('does not call another model when the request itself is wrong', async () => {
      const filtered = { code: 'content_filter' }
      for (const error of [failWith(400), failWith(413), failWith(422), filtered]) {
        const second = answering('b')
        const model = fallback([failing('a', error), second])
        assert.equal(await errorOf(ask(model)).catch(() => error), error)
        assert.deepEqual((await read(model))[2], [error])
        assert.equal(second.calls(), 0)
        assert.equal(model.registry.get('mock:a').snapshot().ignored, 2)
      }
    })

    it('calls another model when this one refuses the caller', async () => {
      const noKey = Object.assign(new Error('no key'), { name: 'AI_LoadAPIKeyError' })
      for (const error of [failWith(401), failWith(403), failWith(404), noKey]) {
        const model = fallback([failing('a', error), answering('b')])
        assert.equal((await ask(model))[0], 'by b')
        assert.equal((await read(model))[0], 'by b')
        assert.equal(model.registry.get('mock:a').snapshot().ignored, 2)
      }
    })

    it('lets fallsOver decide first', async () => {
      const tooLong = failWith(400, { data: { error: { code: 'context_length_exceeded' } } })
      const model = fallback([failing('a', tooLong), answering('b')], {
        fallsOver: (error) => (error === tooLong ? true : undefined),
      })
      assert.equal((await ask(model))[0], 'by b')
      const error = failWith(503)
      const never = fallback([failing('a', error), answering('b')], { fallsOver: () => false })
      assert.equal(await errorOf(ask(never)), error)
    })

    it('uses the default, with a warning, when fallsOver throws', async () => {
      const warnings = await warningsFrom(async () => {
        const model = fallback([failing('a'), answering('b')], {
          fallsOver: () => {
            throw new Error('bug')
          },
        })
        assert.equal((await ask(model))[0], 'by b')
      })
      assert.match(String(warnings), /The default decides whether to fall over: Error: bug/)
    })

    it('throws the error of the last model that failed, or else the rejection that ends first', async () => {
      const clock = new ManualClock()
      const [one, two] = [failWith(500), failWith(503)]
      const model = fallback([failing('a', one), failing('b', two)], { breaker: { clock } })
      assert.equal(await errorOf(ask(model)), two)
      model.registry.get('mock:b').open({ for: 5_000 })
      assert.equal(await errorOf(ask(model)), one)
      model.registry.get('mock:a').open({ for: 9_000 })
      const error = await errorOf(ask(model))
      assert.ok(isCircuitBreakerError(error))
      assert.equal(error.retryAfter, 5_000)
      const streamed = await errorOf(Promise.resolve(model.doStream({ prompt: [] })))
      assert.ok(isCircuitBreakerError(streamed))
      assert.equal(streamed.breaker, 'mock:b')
    })

    it('does not call the next model for a caller that aborts', async () => {
      const controller = new AbortController()
      const hanging = sdk.model({
        modelId: 'a',
        generate: () =>
          new Promise((_resolve, reject) => {
            controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error))
          }),
        stream: () => [...text(), 'hang'],
      })
      const second = answering('b')
      const model = fallback([hanging, second])
      const abortSignal = controller.signal
      const generated = errorOf(Promise.resolve(model.doGenerate({ prompt: [], abortSignal })))
      const streamed = errorOf(Promise.resolve(model.doStream({ prompt: [], abortSignal })))
      await delay(5)
      controller.abort(new Error('enough'))
      assert.equal((await generated).message, 'enough')
      assert.equal((await streamed).message, 'enough')
      assert.equal(second.calls(), 0)
      assert.equal(model.registry.get('mock:a').snapshot().ignored, 2)
      assert.equal(inFlight(model.registry), 0)
    })

    it('falls over when the first token takes longer than callTimeout', async () => {
      const silent = sdk.model({
        modelId: 'a',
        generate: () => new Promise(() => {}),
        stream: () => [...text(), 'hang'],
      })
      const model = fallback([silent, answering('b')], { breaker: { callTimeout: 20 } })
      assert.equal((await ask(model))[0], 'by b')
      assert.equal((await read(model))[0], 'by b')
      assert.equal(model.registry.get('mock:a').failCounter, 2)
      const alone = fallback([silent], { breaker: { callTimeout: 20 } })
      assert.ok(isCallTimeoutError(await errorOf(ask(alone))))
    })

    it('ignores a consumer that cancels', async () => {
      const model = fallback([answering('a'), answering('b')])
      const reader = (await model.doStream({ prompt: [] })).stream.getReader()
      await reader.read()
      await reader.cancel()
      assert.equal(model.registry.get('mock:a').snapshot().ignored, 1)
      assert.equal(inFlight(model.registry), 0)
    })

    it('keeps the metadata of the provider', async () => {
      const given = answering('a')
      const { doGenerate } = given
      given.doGenerate = async (params) => ({
        ...(await doGenerate(params)),
        providerMetadata: { mock: { x: 1 } },
      })
      const { providerMetadata } = await fallback([given]).doGenerate({ prompt: [] })
      assert.deepEqual(providerMetadata, { mock: { x: 1 }, recloser: { model: 'mock:a', passedOver: [] } })
    })

    it('works as a wrapped model', async () => {
      const model = fallback([failing('a'), answering('b')])
      const wrapped = sdk.wrapLanguageModel({ model, middleware: {} })
      assert.equal((await sdk.generateText({ model: wrapped, prompt: 'Hi' })).text, 'by b')
    })

    it('supports only the URLs that all models support', async () => {
      const [a, b] = [answering('a'), answering('b')]
      const images = { 'image/*': [/^https:/, /^gs:/], 'audio/*': [/^https:/] }
      Object.defineProperty(a, 'supportedUrls', { value: images })
      Object.defineProperty(b, 'supportedUrls', {
        value: Promise.resolve({ 'image/*': [/^https:/, /^s3:/] }),
      })
      assert.deepEqual(await fallback([a, b]).supportedUrls, { 'image/*': [/^https:/] })
      assert.deepEqual(await fallback([a]).supportedUrls, images)
    })
  })
}

describe('the arguments of fallback', () => {
  const [, sdk6, sdk7] = SDKS
  it('are checked', () => {
    assert.throws(() => fallback([]), /Expected `models` to be an array of at least one language model/)
    assert.throws(() => fallback('gpt-5' as never), /Expected `models` to be an array/)
    assert.throws(() => fallback(['openai/gpt-5'] as never), /Expected `models\[0\]` to be a language model/)
    assert.throws(
      () => fallback([sdk7!.model({}), sdk6!.model({})]),
      /Expected `models\[1\].specificationVersion` to be v4, that of the first, got `"v3"`/,
    )
    assert.throws(() => fallback([sdk7!.model({})], { fallsOver: 1 as never }), /Expected `fallsOver`/)
    assert.throws(() => fallback([sdk7!.model({})], { on: 1 } as never), /fallback options.*fallsOver.*`on`/)
  })
})
