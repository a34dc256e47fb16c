import { honorRetryAfter, type OpenTime } from '../../base/backoff.ts'
import type { CircuitBreaker } from '../../breaker.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from '../../options.ts'
import type { CircuitBreakerRegistry } from '../../registry.ts'
import type { Outcome } from '../../base/state.ts'
import { checkFunction, isObject, readOptions, type Check } from '../../base/validate.ts'
import { readHttpOptions } from '../http/options.ts'
import type { ModelInfo } from './types.ts'

/** The options of `breakerMiddleware` and `fallback`. */
export interface AiBreakerOptions {
  /**
   * Returns the key of the breaker for a model. A model for which it returns `undefined` is not guarded.
   *
   * @default one breaker per provider and model, such as `openai.chat:gpt-5`
   */
  readonly key?: ((model: ModelInfo) => string | undefined) | undefined
  /**
   * The options of each breaker, or a function that returns the options for a key.
   *
   * `Retry-After` is honored, up to an hour, if `timeoutDuration` is a number or omitted. `callTimeout` limits the
   * time to the first token of a stream, or to the complete answer of any other call. `probeTimeout` is at least two
   * minutes by default, since an answer may take that long; each part of a stream restarts it.
   *
   * @default {}
   */
  readonly breaker?: CircuitBreakerOptions | ((key: string) => CircuitBreakerOptions) | undefined
  /**
   * A registry to take the breakers from, for example one shared with another integration. Excludes `breaker`.
   *
   * @default a new registry
   */
  readonly registry?: CircuitBreakerRegistry | undefined
  /**
   * Classifies an error of a model; `undefined` applies the default.
   *
   * @default errors caused by the request or its sender are ignored; the breaker's own options classify all others
   */
  readonly classifyError?: ((error: unknown) => Outcome | undefined) | undefined
  /**
   * Milliseconds for which a stream may stay unread before the call is ignored and its permit released.
   *
   * @default 30_000
   */
  readonly releaseAfter?: number | undefined
}

/** The validated options, with their defaults applied. */
export interface AiSettings {
  readonly registry: CircuitBreakerRegistry
  readonly classifyError: ((error: unknown) => Outcome | undefined) | undefined
  readonly releaseAfter: number
  /** Returns the breaker for a model, or `undefined` if the model is not guarded. */
  breakerFor(model: ModelInfo): CircuitBreaker | undefined
}

const LONG_ANSWER = 120_000
const DEFAULT_OPEN_TIME = 60_000

// `readHttpOptions` checks these options.
const checkedBelow: Check = () => undefined

/** The checks of the options by name, for functions that accept more options. */
export const AI_OPTIONS: { readonly [Name in keyof AiBreakerOptions]-?: Check } = {
  key: checkedBelow,
  breaker: checkedBelow,
  registry: checkedBelow,
  classifyError: checkFunction,
  releaseAfter: checkedBelow,
}

export function readAiOptions(options: AiBreakerOptions, label: string): AiSettings {
  const { classifyError, breaker, ...given } = readOptions<AiBreakerOptions>(options, AI_OPTIONS, label)
  const http = readHttpOptions<ModelInfo>(
    { releaseAfter: 30_000, ...given, breaker: given.registry ? breaker : withDefaults(breaker) },
    label,
  )
  return {
    registry: http.registry,
    releaseAfter: http.releaseAfter,
    classifyError,
    breakerFor: (model) => http.breakerFor(model, () => `${model.provider}:${model.modelId}`),
  }
}

function withDefaults(breaker: AiBreakerOptions['breaker'] = {}): AiBreakerOptions['breaker'] {
  if (typeof breaker === 'function') return (key) => forModels(breaker(key))
  return isObject(breaker) ? forModels(breaker) : breaker
}

function forModels(options: CircuitBreakerOptions): CircuitBreakerOptions {
  const given = readCircuitOptions(options)
  const { timeoutDuration = DEFAULT_OPEN_TIME, callTimeout = 0, probeTimeout } = given
  const isNumber = typeof timeoutDuration === 'number'
  const openTime = isNumber ? timeoutDuration : 0
  const limit = callTimeout < Infinity ? callTimeout : 0
  return {
    ...given,
    timeoutDuration: isNumber ? honorSdkRetryAfter(timeoutDuration) : timeoutDuration,
    probeTimeout: probeTimeout ?? Math.max(LONG_ANSWER, openTime, limit),
  }
}

/** `honorRetryAfter` for the SDK's errors, which carry the headers in `responseHeaders`. */
function honorSdkRetryAfter(base: number): OpenTime {
  const honor = honorRetryAfter(base)
  return (context) => {
    const headers = headersOf(context.error)
    return honor(headers ? { ...context, error: { headers } } : context)
  }
}

/** Returns the headers of an `APICallError`, or of the `APICallError` that caused an error of the AI Gateway. */
function headersOf(error: unknown): Record<string, unknown> | undefined {
  if (!isObject(error)) return undefined
  const { responseHeaders, cause } = error
  const headers = responseHeaders ?? (isObject(cause) ? cause['responseHeaders'] : undefined)
  if (!isObject(headers)) return undefined
  // OpenAI and Azure send this header. It is more precise than `retry-after`.
  const exact = headers['retry-after-ms']
  return exact && Number(exact) >= 0 ? { 'retry-after': Number(exact) / 1_000 } : headers
}
