import type { CircuitBreaker } from '../../breaker.ts'
import { isCircuitBreakerError, type CallTimeoutError } from '../../base/errors.ts'
import { httpFields, withHttpFields } from './http-error.ts'
import type { ServerBreakersOptions } from './options.ts'
import { ServedCall } from './served-call.ts'

/** The subset of Node's `IncomingMessage`, of HTTP/1 or HTTP/2, that this module uses. */
export interface ServedRequest {
  readonly socket?: ServedSocket | null | undefined
  readonly stream?: ServedStream | undefined
}

/** The subset of Node's `ServerResponse`, of HTTP/1 or HTTP/2, that this module uses. */
export interface ServedResponse {
  readonly statusCode: number
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly destroyed?: boolean
  readonly errored?: unknown
  getHeaders(): unknown
  setHeader(name: string, value: string): unknown
  on(event: 'prefinish' | 'finish' | 'close' | 'drain', listener: () => void): unknown
}

interface ServedSocket {
  readonly readableEnded?: boolean | undefined
  readonly errored?: unknown
}

interface ServedStream {
  readonly destroyed?: boolean | undefined
  readonly rstCode?: number | undefined
}

/** The ways in which a request continues in the framework. */
export interface Continuation {
  /** Passes the request to its handler. */
  readonly proceed: () => void
  /** Passes an error to the error handlers instead of calling the handler. */
  readonly reject: (error: unknown) => void
  /** Passes an error to the error handlers while the handler is still running. */
  readonly expire: (error: CallTimeoutError) => void
}

const NGHTTP2_CANCEL = 8

// The calls of each request, by breaker.
const servedCalls = new WeakMap<object, Map<CircuitBreaker, ServedCall>>()

/** Sends one of Node's requests through a breaker to its handler. */
export function serveThrough(
  find: () => CircuitBreaker,
  classifyStatus: ServerBreakersOptions['classifyStatus'],
  request: ServedRequest,
  response: ServedResponse,
  { proceed, reject, expire }: Continuation,
): void {
  const calls = servedCalls.get(request) ?? new Map<CircuitBreaker, ServedCall>()
  let breaker: CircuitBreaker
  let served: ServedCall
  try {
    breaker = find()
    // The breaker is mounted on both the app and the route. The request still counts once.
    if (calls.has(breaker)) return proceed()
    served = new ServedCall(breaker, classifyStatus)
  } catch (error) {
    return reject(isCircuitBreakerError(error) ? withHttpFields(error, httpFields(error)) : error)
  }
  servedCalls.set(request, calls.set(breaker, served))
  observe(served, request, response)
  served.call.startTimeout(
    (error) => {
      // The handler may still fail, and the framework may then close the connection. By then the connection must not
      // carry another request, so it is not kept alive.
      if (!request.stream) response.setHeader('connection', 'close')
      expire(withHttpFields(error, httpFields(error)))
    },
    () => response.headersSent,
  )
  served.call.within(proceed)
}

/** Records an error that a handler threw on all calls of its request. Only the first error counts. */
export function noteError(request: object, error: unknown): void {
  for (const served of servedCalls.get(request)?.values() ?? []) served.error ??= error
}

function observe(served: ServedCall, request: ServedRequest, response: ServedResponse): void {
  const { call } = served
  const complete = (): void => served.complete(response.statusCode, () => response.getHeaders(), response)
  if (response.destroyed || request.stream?.destroyed) return call.ignore()
  // The call ends once the handler has written the whole response, whether or not the network delivers it. HTTP/2 emits
  // no 'prefinish', and emits 'finish' also when the client disconnects.
  const completeIfWritten = (): void => {
    if (response.writableEnded) complete()
  }
  response.on('prefinish', completeIfWritten)
  response.on('finish', completeIfWritten)
  response.on('drain', () => call.pace())
  response.on('close', () => {
    if (call.settled) return
    if (isClientAbort(request, response)) call.ignore()
    else call.fail(served.error ?? response.errored ?? new Error('The answer broke off'))
  })
  // An endless stream would block all other probes, and count as failed when its lease expires.
  if (call.isProbe) served.watch(Infinity, () => !response.headersSent, complete)
}

/** Whether the client closed the connection, or the HTTP/2 stream, before the response was complete. */
function isClientAbort({ socket, stream }: ServedRequest, { errored }: ServedResponse): boolean {
  if (stream) return stream.rstCode === NGHTTP2_CANCEL
  if (!socket) return false
  if (socket.readableEnded) return true
  // A response that is destroyed with an error passes that error on to its socket: then it did not come from the
  // client.
  const code = (socket.errored as { code?: unknown } | null | undefined)?.code
  return socket.errored !== errored && /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT)$/.test(String(code))
}
