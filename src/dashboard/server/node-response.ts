import { startTimer } from '../../base/timer.ts'
import { GRACE } from './stream.ts'

/** The subset of Node's `ServerResponse` that this module uses. */
export interface NodeResponse {
  /** Sends the status and the headers. */
  writeHead(status: number, headers: Record<string, string>): unknown
  /** Sends a part of the body. Returns false if the caller should wait for `drain`. */
  write(chunk: Uint8Array): boolean
  /** Ends the response. */
  end(): unknown
  /** Closes the connection. */
  destroy(): unknown
  /** Adds a listener. */
  on(event: 'drain' | 'close' | 'error', listener: () => void): unknown
}

/** Sends a response at the pace of the client. Rejects if the response's body fails. */
export async function sendNodeResponse(
  response: Response,
  outgoing: NodeResponse,
  hasConnectionHeader: boolean,
  disconnected: AbortSignal,
): Promise<void> {
  const { status, headers, body } = response
  const isEvents = !!headers.get('content-type')?.startsWith('text/event-stream')
  const fields: Record<string, string> = Object.fromEntries(headers)
  // A server that is closing would otherwise wait for the keep-alive connection.
  if (isEvents && hasConnectionHeader) fields['connection'] = 'close'
  if (disconnected.aborted) return body?.cancel()
  outgoing.writeHead(status, fields)
  if (body) await pump(body, outgoing, disconnected, isEvents)
  outgoing.end()
}

async function pump(
  body: ReadableStream<Uint8Array>,
  outgoing: NodeResponse,
  disconnected: AbortSignal,
  isEvents: boolean,
): Promise<void> {
  const reader = body.getReader()
  let resume = (): void => {}
  outgoing.on('drain', () => resume())
  disconnected.addEventListener('abort', () => {
    resume()
    reader.cancel().catch(() => {})
  })
  // Runs even while the loop below waits for a client that does not read.
  reader.closed.then(
    () => isEvents && startTimer(GRACE, () => disconnected.aborted || outgoing.destroy(), false),
    () => outgoing.destroy(),
  )
  for (;;) {
    const { done, value } = await reader.read()
    if (done || disconnected.aborted) return
    if (!outgoing.write(value)) await new Promise<void>((resolve) => (resume = resolve))
  }
}
