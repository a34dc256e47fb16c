import { guardGenerate, guardStream, type Send } from './guard.ts'
import { readAiOptions, type AiBreakerOptions } from './options.ts'
import type { BreakerMiddleware, CallParameters, Model, ModelInfo } from './types.ts'

/**
 * Middleware that sends the calls of language models through a circuit breaker per model. An open circuit rejects with a
 * `CircuitBreakerError`, which the SDK does not retry; all else is as before.
 *
 * A stream is judged at its end: an error in it, or an end without a `finish`, is a failure. So is a status of 5xx, 429 or
 * 408, an overload by whatever name, and a network that fails. What the request or its sender is to blame for (400, 401,
 * 403, 404, 422, a content filter) is ignored, and so is a caller that aborts or cancels; not so a time-out of the SDK or
 * of `AbortSignal.timeout`, which is a failure. The latency of a stream is the time to its first token.
 *
 * As the last of several middlewares it sees what the provider answers, which is where it belongs.
 *
 * @returns the middleware, whose `registry` has the breakers. One may serve any number of models.
 * @throws {TypeError | RangeError} for a bad option. With AI SDK 4 the first call is rejected by a `TypeError`.
 *
 * @example
 * ```ts
 * import { generateText, wrapLanguageModel } from 'ai'
 * import { MockLanguageModelV4 } from 'ai/test'
 * import { breakerMiddleware } from 'recloser/ai-sdk'
 *
 * const middleware = breakerMiddleware({ breaker: { failMax: 1, timeoutDuration: 30_000 } })
 * const provider = new MockLanguageModelV4({
 *   provider: 'mock',
 *   modelId: 'model-1',
 *   doGenerate: async () => Promise.reject(new Error('overloaded')),
 * })
 *
 * const model = wrapLanguageModel({ model: provider, middleware }) // what your own provider gives you
 * await generateText({ model, prompt: 'Hello' }).catch((error) => console.log(error.message)) // overloaded
 * await generateText({ model, prompt: 'Hello' }).catch((error) => console.log(error.code)) // CIRCUIT_OPEN
 * console.log(middleware.registry.get('mock:model-1').state) // open
 * ```
 */
export function breakerMiddleware(options: AiBreakerOptions = {}): BreakerMiddleware {
  const settings = readAiOptions(options, 'breakerMiddleware options')
  return {
    specificationVersion: 'v3',
    registry: settings.registry,
    wrapGenerate: ({ doGenerate, params, model }) =>
      guardGenerate(settings, model, params, resend(params, doGenerate, model, 'doGenerate')),
    wrapStream: ({ doStream, params, model }) =>
      guardStream(settings, model, params, resend(params, doStream, model, 'doStream')),
  }
}

/** With other parameters than the middleware was given, the model has to be asked itself. */
function resend<R>(
  given: CallParameters,
  send: () => PromiseLike<R>,
  model: ModelInfo,
  method: 'doGenerate' | 'doStream',
): Send<R> {
  return (params) => (params === given ? send() : ((model as Model)[method](params) as PromiseLike<R>))
}
