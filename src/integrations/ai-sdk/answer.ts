import { renderError } from '../../base/error-sink.ts'
import { reasonOf } from '../../base/signal.ts'
import { isObject } from '../../base/validate.ts'
import { isToken } from './stream.ts'
import type { PassedOver } from './fall-over.ts'
import type { StreamPart, Streamed } from './types.ts'

/** Returns the metadata that says which model answered. It is JSON, like all provider metadata. */
export function reportOn(model: string, passed: readonly PassedOver[]): object {
  return {
    model,
    passedOver: passed.map((each) => ({ model: each.model, error: renderError(each.error) })),
  }
}

/** Returns the answer with the report in its provider metadata. */
export function withReport<T extends { readonly providerMetadata?: unknown }>(
  answer: T,
  recloser: object,
): T {
  const { providerMetadata } = answer
  return { ...answer, providerMetadata: { ...(isObject(providerMetadata) && providerMetadata), recloser } }
}

/**
 * Waits for the first token, and returns a stream of all parts, with the report in its `finish` part.
 *
 * @throws the error that prevents the first token. An error part is thrown if `canFallOver` is true for its error, and
 *   passed on in the stream otherwise.
 */
export async function fromFirstToken(
  { stream }: Streamed,
  signal: AbortSignal | undefined,
  report: object,
  canFallOver: (error: unknown) => boolean,
): Promise<ReadableStream<StreamPart>> {
  const reader = stream.getReader()
  const cancelReader = (reason: unknown): void => void reader.cancel(reason).catch(() => {})
  const abort = (): void => cancelReader(signal?.reason)
  const buffered: StreamPart[] = []
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    for (let hasBegun = false; !hasBegun;) {
      const { done, value } = await reader.read()
      if (signal?.aborted) throw reasonOf(signal)
      if (done) throw new Error('The stream of the model ended before its first token')
      if (value.type === 'error' && canFallOver(value.error)) {
        cancelReader(value.error)
        throw value.error
      }
      buffered.push(value)
      hasBegun = isToken(value) || value.type === 'error'
    }
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  return new ReadableStream<StreamPart>(
    {
      async pull(controller) {
        const part = buffered.shift() ?? (await reader.read()).value
        if (!part) controller.close()
        else controller.enqueue(part.type === 'finish' ? withReport(part, report) : part)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
