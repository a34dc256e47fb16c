import * as ai7 from 'ai'
import * as ai5 from 'ai-5'
import { MockLanguageModelV2 } from 'ai-5/test'
import * as ai6 from 'ai-6'
import { MockLanguageModelV3 } from 'ai-6/test'
import { MockLanguageModelV4 } from 'ai/test'
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider'

export type Part = LanguageModelV4StreamPart

/** The behavior of a scripted model: answer with this text, throw, or stream these parts. */
export interface Script {
  readonly modelId?: string
  readonly generate?: () => string | Promise<string>
  /** An error among the parts breaks the stream; `'hang'` leaves it pending forever. */
  readonly stream?: () => readonly (Part | Error | 'hang')[]
}

/** One version of the SDK. All versions have the types of the newest, so that the same tests run on all of them. */
export interface Sdk extends Pick<typeof ai7, 'generateText' | 'streamText' | 'wrapLanguageModel'> {
  readonly name: string
  readonly APICallError: typeof ai7.APICallError
  model(script: Script): LanguageModelV4 & { readonly calls: () => number }
  /** The part that ends a stream. */
  finish(reason?: string): Part
}

const USAGE = { inputTokens: { total: 1 }, outputTokens: { total: 1 }, totalTokens: 2 }

function sdk(name: string, library: unknown, Mock: unknown, reasonOf: (reason: string) => unknown): Sdk {
  const { generateText, streamText, wrapLanguageModel, APICallError } = library as typeof ai7
  const finish = (reason = 'stop'): Part =>
    ({ type: 'finish', finishReason: reasonOf(reason), usage: USAGE }) as unknown as Part
  return {
    name,
    generateText,
    streamText,
    wrapLanguageModel,
    APICallError,
    finish,
    model({ modelId = 'model', generate, stream }) {
      const mock = new (Mock as typeof MockLanguageModelV4)({
        provider: 'mock',
        modelId,
        doGenerate: async () => {
          const [text = '', reason = 'stop'] = ((await generate?.()) ?? '').split('|')
          const content = [{ type: 'text', text }]
          return { content, finishReason: reasonOf(reason), usage: USAGE, warnings: [] } as never
        },
        doStream: async () => ({ stream: streamOf(stream?.() ?? []) }),
      })
      return Object.assign(mock, {
        calls: () => mock.doGenerateCalls.length + mock.doStreamCalls.length,
      })
    },
  }
}

const unified = (reason: string): object => ({ unified: reason, raw: reason })

export const SDKS: readonly Sdk[] = [
  sdk('AI SDK 5', ai5, MockLanguageModelV2, (reason) => reason),
  sdk('AI SDK 6', ai6, MockLanguageModelV3, unified),
  sdk('AI SDK 7', ai7, MockLanguageModelV4, unified),
]

export function streamOf(parts: readonly (Part | Error | 'hang')[]): ReadableStream<Part> {
  const rest = [...parts]
  return new ReadableStream<Part>(
    {
      pull(controller) {
        const part = rest.shift()
        if (part === undefined) controller.close()
        else if (part instanceof Error) controller.error(part)
        else if (part === 'hang') return new Promise<void>(() => {})
        else controller.enqueue(part)
        return undefined
      },
    },
    { highWaterMark: 0 },
  )
}

/** The parts of a text that is streamed in these deltas. */
export function text(...deltas: string[]): Part[] {
  return [
    { type: 'stream-start', warnings: [] },
    { type: 'text-start', id: '1' },
    ...deltas.map((delta): Part => ({ type: 'text-delta', id: '1', delta })),
  ]
}

export const END: Part = { type: 'text-end', id: '1' }

/** Reads a stream until it ends, breaks or yields an error part. */
export async function drain(
  stream: AsyncIterable<{ readonly type: string; readonly error?: unknown }>,
): Promise<{
  readonly types: string[]
  readonly error: unknown
}> {
  const types: string[] = []
  let error: unknown
  try {
    for await (const part of stream) {
      types.push(part.type)
      if (part.type === 'error') error = part.error
    }
  } catch (thrown) {
    error = thrown
  }
  return { types, error }
}
