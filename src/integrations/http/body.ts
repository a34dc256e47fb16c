import type { HttpCall } from './http-call.ts'

/** Ways of reading a whole body. */
const WAYS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const

type Way = (typeof WAYS)[number]
type Readers = { [W in Way]?: (...args: unknown[]) => Promise<unknown> }

/**
 * Sees how the body of a response ends, without touching the response: it stays the very object that the client made,
 * with its URL and everything that engines know of it. Only its ways of being read are replaced, on this one object.
 */
export function watchResponse(response: Response, http: HttpCall): void {
  const { call } = http
  let reads = 0
  const isRead = (): boolean => reads > 0
  const onRead = (change: 1 | -1): void => void (reads += change)

  function watch(target: Response): void {
    const bodyOf = bodyGetter(target)
    for (const way of WAYS) watchReader(target, way, bodyOf)
    const { clone } = target as { clone?: (this: Response) => Response }
    if (clone) {
      replace(target, 'clone', () => {
        const copy = clone.call(target)
        if (!call.settled) watch(copy)
        return copy
      })
    }
    if (!isWebStream(bodyOf())) return
    let watched: ReadableStream | undefined
    Object.defineProperty(target, 'body', {
      configurable: true,
      get: () => (watched ??= watchStream(bodyOf as () => ReadableStream, response, http, onRead)),
    })
  }

  function watchReader(target: Response, way: Way, bodyOf: () => unknown): void {
    const read = (target as Readers)[way]
    if (typeof read !== 'function') return
    replace(target, way, (...args: unknown[]) => {
      const body = bodyOf()
      const unusable = target.bodyUsed || (isWebStream(body) && body.locked) // its reader has made a mistake
      const result = read.apply(target, args)
      if (unusable || call.settled) return result
      onRead(1)
      const end = (): void => {
        onRead(-1)
        call.succeed(response)
      }
      return result.then(
        (value) => {
          end()
          return value
        },
        (error: unknown) => {
          if (!isMisread(way, error, target)) throw (onRead(-1), http.fail(error))
          end()
          throw error
        },
      )
    })
  }

  if (response.body === null) return call.succeed(response)
  try {
    watch(response)
  } catch {
    return call.succeed(response) // frozen: what is known is that the headers were fine
  }
  http.awaitBody(response, isRead)
}

/**
 * The same stream, in a form that sees how it ends. Nothing is read and nothing locked before somebody reads it.
 *
 * A reader that ends it early has had enough of it: the call is judged by its status.
 */
export function watchStream(
  source: () => ReadableStream,
  response: unknown,
  http: HttpCall,
  onRead: (change: 1 | -1) => void,
): ReadableStream {
  let reader: ReadableStreamDefaultReader<unknown> | undefined
  const isBytes = isByteStream(source())

  async function next(): Promise<ReadableStreamReadResult<unknown>> {
    reader ??= source().getReader() as ReadableStreamDefaultReader<unknown>
    onRead(1)
    try {
      return await reader.read()
    } catch (error) {
      throw http.fail(error)
    } finally {
      onRead(-1)
    }
  }

  async function pull(
    controller: ReadableStreamDefaultController<unknown> | ReadableByteStreamController,
  ): Promise<void> {
    const { done, value } = await next()
    if (done) {
      http.call.succeed(response)
      controller.close()
      if ('byobRequest' in controller) controller.byobRequest?.respond(0)
    } else {
      http.call.alive()
      // A stream of bytes takes no empty chunk, and asks again only when it was given one.
      if (isBytes && (value as Uint8Array).byteLength === 0) return pull(controller)
      controller.enqueue(value as ArrayBufferView<ArrayBuffer>)
    }
  }

  async function cancel(reason: unknown): Promise<void> {
    http.call.succeed(response)
    await (reader ?? source()).cancel(reason)
  }

  return isBytes
    ? new ReadableStream({ type: 'bytes', pull, cancel }, { highWaterMark: 0 })
    : new ReadableStream({ pull, cancel }, { highWaterMark: 0 })
}

export function isWebStream(value: unknown): value is ReadableStream {
  return typeof (value as { getReader?: unknown } | null | undefined)?.getReader === 'function'
}

/** Whether it can be read into buffers of the reader's own. */
function isByteStream(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/** Reads the `body` that a response had before it was watched. A clone gives it another one. */
function bodyGetter(response: Response): () => unknown {
  const own = Object.getOwnPropertyDescriptor(response, 'body')
  if (own) return () => (own.get ? (own.get.call(response) as unknown) : own.value)
  const prototype = Object.getPrototypeOf(response) as object
  return () => Reflect.get(prototype, 'body', response) as unknown
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

/** Whether the body came to its end, but is not what its reader took it for. */
function isMisread(way: Way, error: unknown, { headers }: Response): boolean {
  if (way === 'json') return (error as { name?: unknown } | undefined)?.name === 'SyntaxError'
  if (way !== 'formData') return false
  return !/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(
    headers.get('content-type') ?? '',
  )
}
