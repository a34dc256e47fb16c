import type { HttpCall } from './http-call.ts'

/** The methods that read a whole body. */
const READ_METHODS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const

type ReadMethod = (typeof READ_METHODS)[number]
type Readers = { [Method in ReadMethod]?: (...args: unknown[]) => Promise<unknown> }

/**
 * Settles the call when the body of a response ends. The response stays the object that the client made, with its URL
 * and the engine's internal state. Only the members that give access to its body are overridden, on this one object.
 */
export function watchResponse(response: Response, http: HttpCall): void {
  const { call } = http
  let reads = 0
  const isRead = (): boolean => reads > 0
  const onRead = (change: 1 | -1): void => void (reads += change)

  function watch(target: Response): void {
    const getBody = bodyGetter(target)
    for (const method of READ_METHODS) watchReadMethod(target, method, getBody)
    const { clone } = target as { clone?: (this: Response) => Response }
    if (clone) {
      replace(target, 'clone', () => {
        const copy = clone.call(target)
        if (!call.settled) watch(copy)
        return copy
      })
    }
    if (!isWebStream(getBody())) return
    let watched: ReadableStream | undefined
    Object.defineProperty(target, 'body', {
      configurable: true,
      get: () => (watched ??= watchStream(getBody as () => ReadableStream, response, http, onRead)),
    })
  }

  function watchReadMethod(target: Response, method: ReadMethod, getBody: () => unknown): void {
    const read = (target as Readers)[method]
    if (typeof read !== 'function') return
    replace(target, method, (...args: unknown[]) => {
      const body = getBody()
      const unusable = target.bodyUsed || (isWebStream(body) && body.locked) // a mistake of the caller
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
          if (!isFormatError(method, error, target)) throw (onRead(-1), http.fail(error))
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
    return call.succeed(response) // a frozen response: settle by its status alone
  }
  http.awaitBody(response, isRead)
}

/**
 * Returns a stream with the same chunks that settles the call when it ends. The source is neither read nor locked until
 * somebody reads the returned stream. If the reader cancels early, the call is settled by its status alone.
 *
 * `onRead` gets 1 when a read of the source starts, and -1 when it ends.
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
      // A byte stream accepts no empty chunk, and does not pull again until it gets a chunk.
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

/** Whether a stream supports BYOB readers, which read into their own buffers. */
function isByteStream(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/**
 * Returns a getter for the original `body` of a response, from before it was overridden. It looks the body up each
 * time, because `clone` replaces it.
 */
function bodyGetter(response: Response): () => unknown {
  const own = Object.getOwnPropertyDescriptor(response, 'body')
  if (own) return () => (own.get ? (own.get.call(response) as unknown) : own.value)
  const prototype = Object.getPrototypeOf(response) as object
  return () => Reflect.get(prototype, 'body', response) as unknown
}

function replace(target: object, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, configurable: true, writable: true })
}

/** Whether the body arrived completely, but does not have the format that its reader expected. */
function isFormatError(method: ReadMethod, error: unknown, { headers }: Response): boolean {
  if (method === 'json') return (error as { name?: unknown } | undefined)?.name === 'SyntaxError'
  if (method !== 'formData') return false
  return !/^(multipart\/form-data|application\/x-www-form-urlencoded)/i.test(
    headers.get('content-type') ?? '',
  )
}
