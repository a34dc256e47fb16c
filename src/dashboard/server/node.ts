import { refusal } from './answers.ts'
import { readNodeRequest, type NodeRequest } from './node-request.ts'
import { sendNodeResponse, type NodeResponse } from './node-response.ts'

/** Answers a request; `mount` is where the dashboard is mounted, if the framework says so. */
export type Answer = (request: Request, context: NodeRequest, mount: string | undefined) => Promise<Response>

/** Answers one of Node's requests as if it were one of the web's. */
export async function answerNode(
  incoming: NodeRequest,
  outgoing: NodeResponse,
  answer: Answer,
): Promise<void> {
  const gone = new AbortController()
  outgoing.on('close', () => gone.abort())
  // Without a listener it would end the process.
  outgoing.on('error', () => gone.abort())
  try {
    const read = readNodeRequest(incoming, gone.signal)
    const response = read
      ? await answer(read.request, incoming, read.mount)
      : refusal(400, 'Expected a method and a host that the web knows')
    await sendNodeResponse(response, outgoing, incoming.httpVersionMajor < 2, gone.signal)
  } catch {
    // The reader is gone or too slow: there is nobody to tell.
    outgoing.destroy()
  } finally {
    // Throws away what is left of the body, as Node does by itself; in Deno the connection hangs without.
    incoming.resume()
  }
}
