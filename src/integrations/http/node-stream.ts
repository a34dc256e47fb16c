import type { HttpCall } from './http-call.ts'

/** The subset of Node's `Readable` that this module uses. */
export interface NodeStream {
  readonly destroyed: boolean
  readonly errored?: unknown
  readonly readableEnded: boolean
  readonly readableFlowing: boolean | null
  readonly readableDidRead: boolean
  // Only on an `IncomingMessage`.
  readonly req?: { readonly aborted?: boolean } | null
  readonly socket?: { readonly readableEnded: boolean; readonly errored?: unknown } | null
  once(event: 'end' | 'close' | 'aborted', listener: () => void): unknown
}

export function isNodeStream(value: unknown): value is NodeStream {
  const { once, readableFlowing } = (value ?? {}) as Partial<NodeStream>
  return typeof once === 'function' && readableFlowing !== undefined
}

/**
 * Settles the call when a Node stream ends. It adds no `data` listener, which would make the stream flow, and no
 * `error` listener, which would hide an unhandled error.
 */
export function watchNodeStream(stream: NodeStream, response: unknown, http: HttpCall): void {
  const { call } = http
  const close = (): void => {
    const { errored } = stream
    // A pipeline destroys its source with this code when its destination closes first.
    const isSuccess = !errored || (errored as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (isSuccess) call.succeed(response)
    else http.fail(errored)
  }
  if (stream.destroyed || stream.readableEnded) return close()
  stream.once('end', () => call.succeed(response))
  // When a reader stops an `IncomingMessage` early, by `break` or in a pipeline, the stream gets the same error as when
  // the server disconnects. Only the request and the socket tell the two cases apart.
  stream.once('aborted', () => {
    const { req, socket } = stream
    if (req?.aborted || (socket && !socket.readableEnded && !socket.errored)) call.succeed(response)
  })
  stream.once('close', close)
  http.awaitBody(response, () => {
    const isRead = stream.readableDidRead && stream.readableFlowing !== false
    if (isRead) call.alive() // assumed: arriving data cannot be observed without consuming it
    return isRead
  })
}
