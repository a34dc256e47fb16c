import { refusal } from './answers.ts'
import { readNodeRequest, type NodeRequest } from './node-request.ts'
import { sendNodeResponse, type NodeResponse } from './node-response.ts'

/** Answers a request; `mount` is the path of the mount point if the framework reveals it. */
export type Answer = (request: Request, context: NodeRequest, mount: string | undefined) => Promise<Response>

/** Answers a Node request by converting it to a web-standard request. */
export async function answerNode(
  incoming: NodeRequest,
  outgoing: NodeResponse,
  answer: Answer,
): Promise<void> {
  const disconnected = new AbortController()
  outgoing.on('close', () => disconnected.abort())
  // Without a listener, an `error` event would end the process.
  outgoing.on('error', () => disconnected.abort())
  try {
    const converted = readNodeRequest(incoming, disconnected.signal)
    const response = converted
      ? await answer(converted.request, incoming, converted.mount)
      : refusal(400, 'Expected a method and a host that the web knows')
    await sendNodeResponse(response, outgoing, incoming.httpVersionMajor < 2, disconnected.signal)
  } catch {
    // The client has disconnected or is too slow, so no response can reach it.
    outgoing.destroy()
  } finally {
    // Discards the rest of the body. Node does this itself; in Deno the connection would hang.
    incoming.resume()
  }
}
