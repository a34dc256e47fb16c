import type { ServedCall } from './served-call.ts'

/**
 * The same stream, in a form that sees how it ends. It is read two parts ahead: a body of one part has ended, as far as we
 * are concerned, before anybody reads it.
 *
 * One that is left unread for `releaseAfter` is not waited for, nor is an endless one while others wait for a probe.
 */
export function watchBody(
  body: ReadableStream<Uint8Array>,
  served: ServedCall,
  answered: () => void,
  releaseAfter: number,
): ReadableStream<Uint8Array> {
  const { call } = served
  const reader = body.getReader()
  let reading = false
  let parts = 0
  call.renew()
  served.watch(releaseAfter, () => reading, answered)
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reading = true
        try {
          const { done, value } = await reader.read()
          if (done) {
            answered()
            return controller.close()
          }
          if (parts++ > 0) call.pace()
          call.alive()
          controller.enqueue(value)
        } catch (error) {
          call.fail(error)
          throw error
        } finally {
          reading = false
        }
      },
      // Whoever reads it is the client, or acts for it.
      cancel(reason) {
        call.ignore()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 2 },
  )
}
