import type { ModelCall } from './model-call.ts'
import type { StreamPart } from './types.ts'

// The parts that precede an answer, or only announce a part of it.
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

/** Whether the part is a token of the answer, or can only come after the first token. */
export function isToken({ type, delta }: StreamPart): boolean {
  return !NO_TOKEN.has(type) && delta !== ''
}

/** Returns a stream of the same parts that records their arrival and settles the call. It reads only on demand. */
export function watchParts(source: ReadableStream<StreamPart>, call: ModelCall): ReadableStream<StreamPart> {
  const reader = source.getReader()
  let pendingReads = 0

  async function readNext(): Promise<ReadableStreamReadResult<StreamPart>> {
    pendingReads++
    try {
      return await reader.read()
    } catch (error) {
      throw call.fail(error)
    } finally {
      pendingReads--
    }
  }

  /** Records the part, and returns it as the reader gets it. */
  function track(part: StreamPart): StreamPart {
    call.renew()
    if (isToken(part)) call.begin()
    if (part.type === 'finish') call.finish(part)
    if (part.type !== 'error') return part
    const error = call.fail(part.error)
    return error === part.error ? part : { ...part, error }
  }

  call.watch(() => pendingReads > 0)
  return new ReadableStream<StreamPart>(
    {
      start(controller) {
        call.onTimeout = (error) => {
          controller.error(error)
          reader.cancel(error).catch(() => {}) // the caller already has the error
        }
      },
      async pull(controller) {
        const { done, value } = await readNext()
        if (!done) return controller.enqueue(track(value))
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
