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
   * Which breaker a model goes through. Default: one per provider and model, such as `openai.chat:gpt-5`. A model for
   * which it returns `undefined` is not guarded.
   */
  readonly key?: ((model: ModelInfo) => string | undefined) | undefined
  /**
   * The options of each breaker, or a function that makes them for a key. `Retry-After` is honoured, up to an hour, if
   * `timeoutDuration` is a number or left out. `callTimeout` limits the time to the first token. `probeTimeout` is at
   * least two minutes by default, since that is how long an answer may take; each part of a stream begins it anew.
   */
  readonly breaker?: CircuitBreakerOptions | ((key: string) => CircuitBreakerOptions) | undefined
  /** A registry of yours or of another integration to take the breakers from, instead of `breaker`. */
  readonly registry?: CircuitBreakerRegistry | undefined
  /** What an error says about the provider; `undefined` leaves it to the default. */
  readonly classifyError?: ((error: unknown) => Outcome | undefined) | undefined
  /** Milliseconds for which a stream may be left unread before the call is given up and ignored. Default 30,000. */
  readonly releaseAfter?: number | undefined
}

/** How calls are guarded. */
export interface AiSettings {
  readonly registry: CircuitBreakerRegistry
  readonly classifyError: ((error: unknown) => Outcome | undefined) | undefined
  readonly releaseAfter: number
  /** The breaker for a model; `undefined` if it is not to be guarded. */
  breakerFor(model: ModelInfo): CircuitBreaker | undefined
}

const LONG_ANSWER = 120_000
const DEFAULT_OPEN_TIME = 60_000

const checkedBelow: Check = () => undefined

/** The options by name, for those who add some. */
export const AI_OPTIONS: { readonly [Name in keyof AiBreakerOptions]-?: Check } = {
  key: checkedBelow,
  breaker: checkedBelow,
  registry: checkedBelow,
  classifyError: checkFunction,
  releaseAfter: checkedBelow,
}

export function readAiOptions(options: AiBreakerOptions, what: string): AiSettings {
  const { classifyError, breaker, ...given } = readOptions<AiBreakerOptions>(options, AI_OPTIONS, what)
  const http = readHttpOptions<ModelInfo>(
    { releaseAfter: 30_000, ...given, breaker: given.registry ? breaker : withDefaults(breaker) },
    what,
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

/** `honorRetryAfter` for the errors of the SDK, which keep the headers in `responseHeaders`. */
function honorSdkRetryAfter(base: number): OpenTime {
  const honour = honorRetryAfter(base)
  return (context) => {
    const headers = headersOf(context.error)
    return honour(headers ? { ...context, error: { headers } } : context)
  }
}

/** The headers of an `APICallError`, or of the one that caused an error of the gateway. */
function headersOf(error: unknown): Record<string, unknown> | undefined {
  if (!isObject(error)) return undefined
  const { responseHeaders, cause } = error
  const headers = responseHeaders ?? (isObject(cause) ? cause['responseHeaders'] : undefined)
  if (!isObject(headers)) return undefined
  // What OpenAI and Azure send, more exact than `retry-after`.
  const exact = headers['retry-after-ms']
  return exact && Number(exact) >= 0 ? { 'retry-after': Number(exact) / 1_000 } : headers
}
