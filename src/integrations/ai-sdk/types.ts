import type { WithRegistry } from '../http/options.ts'

export type { WithRegistry } from '../http/options.ts'

/** Identifies a language model. */
export interface ModelInfo {
  /** The name of the provider, such as `openai.chat`. */
  readonly provider: string
  /** The name of the model, such as `gpt-5`. */
  readonly modelId: string
}

/** The subset of the parameters of a call that the middleware uses. */
export interface CallParameters {
  /** Aborts the call. */
  readonly abortSignal?: AbortSignal | undefined
}

/** A part of a stream, in any version of the specification. */
export interface StreamPart {
  readonly type: string
  readonly delta?: unknown
  readonly error?: unknown
  readonly finishReason?: unknown
  readonly providerMetadata?: unknown
}

/** The result of `doGenerate`, in any version of the specification. */
export interface Generated {
  readonly finishReason?: unknown
  readonly providerMetadata?: unknown
}

/** The result of `doStream`, in any version of the specification. */
export interface Streamed {
  readonly stream: ReadableStream<StreamPart>
}

/** The members that the language models of AI SDK 5, 6 and 7 have in common. */
export interface AnyLanguageModel extends ModelInfo {
  /** The version of the specification: `v2` in AI SDK 5, `v3` in 6, `v4` in 7. */
  readonly specificationVersion: string
  /** The URLs that the model loads itself, by media type. */
  readonly supportedUrls: object
  /** Generates a complete answer. */
  doGenerate(params: never): PromiseLike<object>
  /** Generates an answer as a stream. */
  doStream(params: never): PromiseLike<object>
}

/** A language model with the types that this integration works with. */
export interface Model extends ModelInfo {
  readonly specificationVersion: string
  readonly supportedUrls: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>
  doGenerate(params: CallParameters): PromiseLike<Generated>
  doStream(params: CallParameters): PromiseLike<Streamed>
}

/** Middleware for `wrapLanguageModel` and `wrapProvider` of AI SDK 5, 6 and 7. */
export interface BreakerMiddleware extends WithRegistry {
  /** The types of AI SDK 6 require this value. AI SDK 5 and 7 accept any, and no version reads it. */
  readonly specificationVersion: 'v3'
  /** Sends a `doGenerate` call through the breaker of its model. */
  wrapGenerate<R extends object>(call: {
    readonly doGenerate: () => PromiseLike<R>
    readonly params: CallParameters
    readonly model: ModelInfo
  }): Promise<R>
  /** Sends a `doStream` call through the breaker of its model. */
  wrapStream<R extends object>(call: {
    readonly doStream: () => PromiseLike<R>
    readonly params: CallParameters
    readonly model: ModelInfo
  }): Promise<R>
}
