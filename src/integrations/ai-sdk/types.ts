import type { WithRegistry } from '../http/options.ts'

export type { WithRegistry } from '../http/options.ts'

/** Which model it is. */
export interface ModelInfo {
  /** Such as `openai.chat`. */
  readonly provider: string
  /** Such as `gpt-5`. */
  readonly modelId: string
}

/** As much of the parameters of a call as is used. */
export interface CallParameters {
  readonly abortSignal?: AbortSignal | undefined
}

/** A part of a stream, of any version of the specification. */
export interface StreamPart {
  readonly type: string
  readonly delta?: unknown
  readonly error?: unknown
  readonly finishReason?: unknown
  readonly providerMetadata?: unknown
}

/** What a model generates, of any version of the specification. */
export interface Generated {
  readonly finishReason?: unknown
  readonly providerMetadata?: unknown
}

/** What a model streams, of any version of the specification. */
export interface Streamed {
  readonly stream: ReadableStream<StreamPart>
}

/** What a language model of AI SDK 5, 6 and 7 have in common. */
export interface AnyLanguageModel extends ModelInfo {
  /** `v2` in AI SDK 5, `v3` in 6, `v4` in 7. */
  readonly specificationVersion: string
  readonly supportedUrls: object
  doGenerate(params: never): PromiseLike<object>
  doStream(params: never): PromiseLike<object>
}

/** The same, as it is used here. */
export interface Model extends ModelInfo {
  readonly specificationVersion: string
  readonly supportedUrls: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>
  doGenerate(params: CallParameters): PromiseLike<Generated>
  doStream(params: CallParameters): PromiseLike<Streamed>
}

/** Middleware for `wrapLanguageModel` and `wrapProvider` of AI SDK 5, 6 and 7. */
export interface BreakerMiddleware extends WithRegistry {
  /** AI SDK 6 asks for this; 5 and 7 take any, and none looks at it. */
  readonly specificationVersion: 'v3'
  wrapGenerate<R extends object>(call: {
    readonly doGenerate: () => PromiseLike<R>
    readonly params: CallParameters
    readonly model: ModelInfo
  }): Promise<R>
  wrapStream<R extends object>(call: {
    readonly doStream: () => PromiseLike<R>
    readonly params: CallParameters
    readonly model: ModelInfo
  }): Promise<R>
}
