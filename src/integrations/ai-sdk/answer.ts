import { renderError } from '../../base/error-sink.ts'
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
 * @throws the error that prevents the first token. An error part is thrown if `goesOn` is true for its error, and
 *   passed on in the stream otherwise.
 */
export async function fromFirstToken(
  { stream }: Streamed,
  signal: AbortSignal | undefined,
  report: object,
  goesOn: (error: unknown) => boolean,
): Promise<ReadableStream<StreamPart>> {
  const reader = stream.getReader()
  const leave = (reason: unknown): void => void reader.cancel(reason).catch(() => {})
  const abort = (): void => leave(signal?.reason)
  const held: StreamPart[] = []
  signal?.addEventListener('abort', abort)
  if (signal?.aborted) abort()
  try {
    for (let begun = false; !begun;) {
      const { done, value } = await reader.read()
      if (signal?.aborted) throw signal.reason
      if (done) throw new Error('The stream of the model ended before its first token')
      if (value.type === 'error' && goesOn(value.error)) {
        leave(value.error)
        throw value.error
      }
      held.push(value)
      begun = isToken(value) || value.type === 'error'
    }
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  return new ReadableStream<StreamPart>(
    {
      async pull(controller) {
        const part = held.shift() ?? (await reader.read()).value
        if (!part) controller.close()
        else controller.enqueue(part.type === 'finish' ? withReport(part, report) : part)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
