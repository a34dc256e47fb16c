/** Why a body is of no use, as a status and a sentence. */
export interface Unreadable {
  readonly status: 400 | 413
  readonly error: string
}

/** The body as text, or why not. Reads no more than `limit` bytes, whatever the headers say. */
export async function readText({ body }: Request, limit: number): Promise<string | Unreadable> {
  if (body === null) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
  let text = ''
  let size = 0
  try {
    reader = (body as ReadableStream<Uint8Array>).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      size += value.byteLength
      if (size > limit) return { status: 413, error: `Expected a body of at most ${limit} bytes` }
      text += decoder.decode(value, { stream: true })
    }
  } catch {
    return { status: 400, error: 'Expected a body of text in UTF-8, and all of it' }
  } finally {
    // Nobody waits for what is left of it.
    reader?.cancel().catch(() => {})
  }
}
