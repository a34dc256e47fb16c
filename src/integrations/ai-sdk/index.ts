/**
 * Circuit breakers and fallbacks for the language models of the AI SDK.
 *
 * @module
 */

export type { FallsOver } from './fall-over.ts'
export { fallback, type FallbackModel, type FallbackOptions } from './fallback.ts'
export { breakerMiddleware } from './middleware.ts'
export type { AiBreakerOptions } from './options.ts'
export type { AnyLanguageModel, BreakerMiddleware, CallParameters, ModelInfo, WithRegistry } from './types.ts'
