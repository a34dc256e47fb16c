import { tooOld } from '../../base/peer.ts'
import { isObject } from '../../base/validate.ts'
import { ModelCall } from './model-call.ts'
import type { AiSettings } from './options.ts'
import { watchParts } from './stream.ts'
import type { CallParameters, ModelInfo, StreamPart } from './types.ts'

/** Sends the request with the given parameters. */
export type Send<R> = (params: CallParameters) => PromiseLike<R>

/** Sends a `doGenerate` call through the breaker of its model. */
export async function guardGenerate<R extends object>(
  settings: AiSettings,
  model: ModelInfo,
  params: CallParameters,
  send: Send<R>,
): Promise<R> {
  const call = startCall(settings, model, params)
  if (!call) return send(params)
  try {
    const result = await call.send((signal) => send(withSignal(params, signal)))
    call.finish(result)
    return result
  } catch (error) {
    throw call.fail(error)
  }
}

/** Sends a `doStream` call through the breaker of its model. The end of the stream settles the call. */
export async function guardStream<R extends object>(
  settings: AiSettings,
  model: ModelInfo,
  params: CallParameters,
  send: Send<R>,
): Promise<R> {
  const call = startCall(settings, model, params)
  if (!call) return send(params)
  try {
    const result = await call.send((signal) => send(withSignal(params, signal)))
    const { stream } = result as { stream?: ReadableStream<StreamPart> }
    if (!isObject(stream)) throw new TypeError('Expected the model to answer with a stream')
    return { ...result, stream: watchParts(stream, call) }
  } catch (error) {
    throw call.fail(error)
  }
}

/**
 * Starts a call. Returns `undefined` if the model is not guarded, or if the caller has already aborted: then the model
 * itself rejects, and no permit is taken.
 */
function startCall(
  settings: AiSettings,
  model: ModelInfo,
  { abortSignal }: CallParameters,
): ModelCall | undefined {
  checkSpecification(model)
  const breaker = abortSignal?.aborted ? undefined : settings.breakerFor(model)
  return breaker && new ModelCall(settings, breaker, abortSignal ?? undefined)
}

function withSignal(params: CallParameters, abortSignal: AbortSignal | undefined): CallParameters {
  return !abortSignal || abortSignal === params.abortSignal ? params : { ...params, abortSignal }
}

/** @throws {TypeError} when the model is of AI SDK 4 or 3, whose results and streams have other parts. */
export function checkSpecification(model: object): void {
  if ((model as { specificationVersion?: unknown }).specificationVersion !== 'v1') return
  throw tooOld('ai-sdk', 'a model of AI SDK 5, 6 or 7', "one of AI SDK 4 or older ('v1')", 'ai@latest')
}
