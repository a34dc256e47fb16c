/** The subset of Node's `IncomingMessage` that this module uses, so that other runtimes do not need Node's types. */
export interface NodeRequest {
  /** The HTTP method. */
  readonly method?: string | undefined
  /** The URL as the client sent it, without the mount path if a framework removed it. */
  readonly url?: string | undefined
  /** The headers by lower-case name. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** The major version of HTTP. */
  readonly httpVersionMajor: number
  /** The connection; a TLS socket has the property `encrypted`. */
  readonly socket: object
  /** Pauses the body. */
  pause(): unknown
  /** Resumes the body. */
  resume(): unknown
  /** Adds a listener. */
  on(event: 'data' | 'end' | 'error' | 'close', listener: (chunk: Uint8Array) => void): unknown
}

/** The fields that Express and Connect add. */
interface FrameworkRequest {
  /** The URL before the mount path was removed. */
  readonly originalUrl?: unknown
  /** The body after a body parser has read it. */
  readonly body?: unknown
}

/**
 * Converts a Node request to a web-standard request, and finds the path where the framework mounted the dashboard.
 * Returns `undefined` if the request cannot be converted.
 */
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
    // HTTP/2 has pseudo-headers, which begin with a colon.
    if (value === undefined || name.startsWith(':')) continue
    headers.set(name, typeof value === 'string' ? value : value.join(', '))
  }
  return headers
}

/** @throws {TypeError} when the host header contains anything but a host. */
function originOf({ headers, socket }: NodeRequest): string {
  const host = headers['host'] ?? headers[':authority'] ?? 'localhost'
  if (typeof host !== 'string' || !/^[\w.:[\]-]+$/.test(host)) throw new TypeError('Not a host')
  return `${'encrypted' in socket ? 'https' : 'http'}://${host}`
}

/** Returns the path and the query. Clients of a proxy send an absolute URL, and `OPTIONS` may have `*`. */
function pathOf(url: string): string {
  if (url.startsWith('/')) return url
  const { pathname, search } = new URL(url, 'http://localhost')
  return pathname + search
}

/** Returns the prefix that the framework removed from the path. If it removed none, the mount point is unknown. */
function mountOf(full: string, url: string): string | undefined {
  const [before, after] = [full, url].map((each) => each.replace(/[?#].*$/s, '')) as [string, string]
  if (before === after) return undefined
  return before.endsWith(after) ? before.slice(0, -after.length) : before
}

function bodyOf(incoming: NodeRequest): BodyInit {
  const { body } = incoming as FrameworkRequest
  // A body parser has already read the body.
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
      // Reads and discards the rest: some clients do not read the response before they have sent the whole body.
      cancel() {
        state = 'ended'
        incoming.resume()
      },
    },
    // Does not read the body until it is requested.
    { highWaterMark: 0 },
  )
}
