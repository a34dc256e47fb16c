import type { ModelCall } from './model-call.ts'
import type { StreamPart } from './types.ts'

// What comes before an answer, or only announces a part of it.
const NO_TOKEN = new Set([
  'stream-start',
  'response-metadata',
  'ping',
  'raw',
  'error',
  'text-start',
  'reasoning-start',
  'tool-input-start',
])

/** Whether it is, or would come after, the first token of an answer. */
export function isToken({ type, delta }: StreamPart): boolean {
  return !NO_TOKEN.has(type) && delta !== ''
}

/** The same stream, in a form that sees how it goes on and ends. Nothing is read before somebody reads it. */
export function watchParts(source: ReadableStream<StreamPart>, call: ModelCall): ReadableStream<StreamPart> {
  const reader = source.getReader()
  let reads = 0

  async function next(): Promise<ReadableStreamReadResult<StreamPart>> {
    reads++
    try {
      return await reader.read()
    } catch (error) {
      throw call.fail(error)
    } finally {
      reads--
    }
  }

  /** The part as the reader is to get it. */
  function see(part: StreamPart): StreamPart {
    call.renew()
    if (isToken(part)) call.begin()
    if (part.type === 'finish') call.finish(part)
    if (part.type !== 'error') return part
    const error = call.fail(part.error)
    return error === part.error ? part : { ...part, error }
  }

  call.watch(() => reads > 0)
  return new ReadableStream<StreamPart>(
    {
      start(controller) {
        call.onTimeout = (error) => {
          controller.error(error)
          reader.cancel(error).catch(() => {}) // the caller has been told
        }
      },
      async pull(controller) {
        const { done, value } = await next()
        if (!done) return controller.enqueue(see(value))
        call.fail(new Error('The stream of the model ended before it was finished'))
        controller.close()
      },
      async cancel(reason) {
        call.abandon()
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
