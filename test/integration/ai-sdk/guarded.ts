import { beforeEach } from 'node:test'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { CircuitBreaker, CircuitBreakerOptions } from '../../../src/index.ts'
import { breakerMiddleware, type AiBreakerOptions } from '../../../src/integrations/ai-sdk/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { drain, type Script, type Sdk } from './models.ts'

export let clock: ManualClock

/** Gives each test a clock. */
export function useClock(): void {
  beforeEach(() => {
    clock = withRealTimers(new ManualClock())
  })
}

/** A model behind the middleware. */
export interface Guarded {
  readonly model: LanguageModelV4
  readonly breaker: CircuitBreaker
  readonly calls: () => number
}

/** Helpers that guard the models of one version of the SDK. */
export interface Guarding {
  readonly guard: (script: Script, breaker?: CircuitBreakerOptions, options?: AiBreakerOptions) => Guarded
  readonly failWith: (statusCode: number, more?: object) => Error
  readonly generate: (model: LanguageModelV4, abortSignal?: AbortSignal) => Promise<string>
  readonly stream: (model: LanguageModelV4) => ReturnType<typeof drain>
}

export function guarding(sdk: Sdk): Guarding {
  function guard(
    script: Script,
    breaker: CircuitBreakerOptions = {},
    options: AiBreakerOptions = {},
  ): Guarded {
    const given = sdk.model(script)
    const middleware = breakerMiddleware({
      ...options,
      breaker: { clock, timeoutDuration: 1_000, ...breaker },
    })
    const model = sdk.wrapLanguageModel({ model: given, middleware })
    return { model, breaker: middleware.registry.get('mock:model'), calls: given.calls }
  }

  const failWith = (statusCode: number, more: object = {}): Error =>
    new sdk.APICallError({ message: 'no', url: 'u', requestBodyValues: {}, statusCode, ...more })

  const generate = async (model: LanguageModelV4, abortSignal?: AbortSignal): Promise<string> => {
    const signal = abortSignal && { abortSignal }
    return (await sdk.generateText({ model, prompt: 'Hi', maxRetries: 0, ...signal })).text
  }

  const stream = async (model: LanguageModelV4): ReturnType<typeof drain> =>
    drain(sdk.streamText({ model, prompt: 'Hi', maxRetries: 0, onError: () => {} }).fullStream)

  return { guard, failWith, generate, stream }
}
