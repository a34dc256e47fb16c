import type { ServedCall } from './served-call.ts'

/**
 * Returns a stream with the same content that settles the call when it ends. It reads two chunks ahead, so a body of a
 * single chunk settles the call even if nobody reads it.
 *
 * `complete` is called early when the body stays unread for `releaseAfter` milliseconds, and when the call is a probe
 * whose body keeps flowing: an endless response must not block the probes after it.
 */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  served: ServedCall,
  complete: () => void,
  releaseAfter: number,
): ReadableStream<Uint8Array> {
  const { call } = served
  const reader = body.getReader()
  let reading = false
  let chunks = 0
  call.renew()
  served.watch(releaseAfter, () => reading, complete)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reading = true
        try {
          const { done, value } = await reader.read()
          if (done) {
            complete()
            return controller.close()
          }
          if (chunks++ > 0) call.pace()
          call.alive()
          controller.enqueue(value)
        } catch (error) {
          call.fail(error)
          throw error
        } finally {
          reading = false
        }
      },
      // The body is read for the client, so a cancellation means that the client disconnected.
      cancel(reason) {
        call.ignore()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 2 },
  )
}
