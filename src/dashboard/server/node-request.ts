/** As much of Node's `IncomingMessage` as is used, so that nobody needs Node's types who has no Node. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly httpVersionMajor: number
  readonly socket: object
  pause(): unknown
  resume(): unknown
  on(event: 'data' | 'end' | 'error' | 'close', listener: (chunk: Uint8Array) => void): unknown
}

/** What Express and Connect add. */
interface FrameworkRequest {
  /** The URL before the mount point was taken from it. */
  readonly originalUrl?: unknown
  /** What a parser has made of the body. */
  readonly body?: unknown
}

/** The web's form of a request, and where the framework has mounted us; `undefined` if it has none. */
export function readNodeRequest(
  incoming: NodeRequest,
  signal: AbortSignal,
): { readonly request: Request; readonly mount: string | undefined } | undefined {
  const { originalUrl } = incoming as FrameworkRequest
  const url = incoming.url ?? '/'
  const full = typeof originalUrl === 'string' ? originalUrl : url
  const method = incoming.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(incoming)
  try {
    const init = { method, headers: headersOf(incoming), body, signal, duplex: 'half' }
    return { request: new Request(originOf(incoming) + pathOf(full), init), mount: mountOf(full, url) }
  } catch {
    return undefined
  }
}

function headersOf(incoming: NodeRequest): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    // HTTP/2 has some that begin with a colon.
    if (value === undefined || name.startsWith(':')) continue
    headers.set(name, typeof value === 'string' ? value : value.join(', '))
  }
  return headers
}

/** @throws {TypeError} for a host that would be something else in a URL. */
function originOf({ headers, socket }: NodeRequest): string {
  const host = headers['host'] ?? headers[':authority'] ?? 'localhost'
  if (typeof host !== 'string' || !/^[\w.:[\]-]+$/.test(host)) throw new TypeError('Not a host')
  return `${'encrypted' in socket ? 'https' : 'http'}://${host}`
}

/** The path and the query. A proxy's client sends a whole URL, and `OPTIONS` may have a star. */
function pathOf(url: string): string {
  if (url.startsWith('/')) return url
  const { pathname, search } = new URL(url, 'http://localhost')
  return pathname + search
}

/** What the framework has taken from the front of the path; `undefined` if nothing, which says nothing. */
function mountOf(full: string, url: string): string | undefined {
  const [before, after] = [full, url].map((each) => each.replace(/[?#].*$/s, '')) as [string, string]
  if (before === after) return undefined
  return before.endsWith(after) ? before.slice(0, -after.length) : before
}

function bodyOf(incoming: NodeRequest): BodyInit {
  const { body } = incoming as FrameworkRequest
  // A parser was there first and has left nothing to read.
  if (body !== undefined) return typeof body === 'string' ? body : JSON.stringify(body)
  let state: 'untouched' | 'read' | 'ended' = 'untouched'
  const begin = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const end = (finish: () => void): void => {
      if (state === 'read') finish()
      state = 'ended'
    }
    const fail = (): void => end(() => controller.error(new Error('The request broke off')))
    state = 'read'
    incoming.on('data', (chunk) => {
      if (state === 'ended') return
      controller.enqueue(chunk)
      incoming.pause()
    })
    incoming.on('end', () => end(() => controller.close()))
    incoming.on('error', fail)
    incoming.on('close', fail)
  }
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (state === 'untouched') begin(controller)
        incoming.resume()
      },
      // The rest is read and thrown away: before that some clients do not look at the answer.
      cancel() {
        state = 'ended'
        incoming.resume()
      },
    },
    // A body that nobody wants is not touched.
    { highWaterMark: 0 },
  )
}
