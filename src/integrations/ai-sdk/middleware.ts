import { guardGenerate, guardStream, type Send } from './guard.ts'
import { readAiOptions, type AiBreakerOptions } from './options.ts'
import type { BreakerMiddleware, CallParameters, Model, ModelInfo } from './types.ts'

/**
 * Creates middleware that sends the calls of language models through a circuit breaker per model. An open circuit
 * rejects a call with a `CircuitBreakerError`, which the SDK does not retry. Other results and errors pass through
 * unchanged.
 *
 * Failures are a status of 5xx, 429 or 408, an overload under any name, a network error, and a timeout of the SDK or
 * of `AbortSignal.timeout`. Errors that the request or its sender caused (400, 401, 403, 404, 422, a content filter)
 * are ignored, and so is a caller that aborts or cancels.
 *
 * A stream settles the call at its end. An error in it, or an end without a `finish` part, is a failure. The latency of
 * a stream is the time to its first token.
 *
 * Put it last in a list of middlewares, where it sees the answers of the provider itself.
 *
 * @returns the middleware, whose `registry` holds the breakers. It can serve any number of models.
 * @throws {TypeError | RangeError} when an option is invalid. With AI SDK 4 each call rejects with a `TypeError`.
 *
 * @example
 * ```ts
 * import { generateText, wrapLanguageModel } from 'ai'
 * import { MockLanguageModelV4 } from 'ai/test'
 * import { exponentialBackoff, honorRetryAfter } from 'recloser'
 * import { breakerMiddleware } from 'recloser/ai-sdk'
 *
 * const timeoutDuration = honorRetryAfter(exponentialBackoff({ initial: 5_000, max: 60_000 }))
 * const middleware = breakerMiddleware({ breaker: { failMax: 1, callTimeout: 30_000, timeoutDuration } })
 * const provider = new MockLanguageModelV4({
 *   provider: 'mock',
 *   modelId: 'model-1',
 *   doGenerate: async () => Promise.reject(new Error('overloaded')),
 * })
 *
 * const model = wrapLanguageModel({ model: provider, middleware }) // use a model of your own provider here
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

/**
 * Returns a function that sends a call. `send` has fixed parameters, so a call with others goes to the model directly.
 */
function resend<R>(
  given: CallParameters,
  send: () => PromiseLike<R>,
  model: ModelInfo,
  method: 'doGenerate' | 'doStream',
): Send<R> {
  return (params) => (params === given ? send() : ((model as Model)[method](params) as PromiseLike<R>))
}
