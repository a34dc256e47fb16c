import type { HttpCall } from './http-call.ts'

/** As much of Node's `Readable` as is used. */
export interface NodeStream {
  readonly destroyed: boolean
  readonly errored?: unknown
  readonly readableEnded: boolean
  readonly readableFlowing: boolean | null
  readonly readableDidRead: boolean
  // Of an `IncomingMessage`.
  readonly req?: { readonly aborted?: boolean } | null
  readonly socket?: { readonly readableEnded: boolean; readonly errored?: unknown } | null
  once(event: 'end' | 'close' | 'aborted', listener: () => void): unknown
}

export function isNodeStream(value: unknown): value is NodeStream {
  const { once, readableFlowing } = (value ?? {}) as Partial<NodeStream>
  return typeof once === 'function' && readableFlowing !== undefined
}

/** Sees how a stream ends. It listens for no data, which would make it flow, and for no error, which would handle it. */
export function watchNodeStream(stream: NodeStream, response: unknown, http: HttpCall): void {
  const { call } = http
  const close = (): void => {
    const { errored } = stream
    // A pipeline whose other end has closed destroys its source so.
    const isEnough = !errored || (errored as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE'
    if (isEnough) call.succeed(response)
    else http.fail(errored)
  }
  if (stream.destroyed || stream.readableEnded) return close()
  stream.once('end', () => call.succeed(response))
  // A reader that ends an `IncomingMessage` early, be it by `break` or as a pipeline, gets the same error as when the
  // server has gone. Only its request and its socket know better.
  stream.once('aborted', () => {
    const { req, socket } = stream
    if (req?.aborted || (socket && !socket.readableEnded && !socket.errored)) call.succeed(response)
  })
  stream.once('close', close)
  http.awaitBody(response, () => {
    const isRead = stream.readableDidRead && stream.readableFlowing !== false
    if (isRead) call.alive() // as far as can be seen without taking its data
    return isRead
  })
}
