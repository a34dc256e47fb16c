import type { CircuitBreaker } from '../../breaker.ts'
import { isCircuitBreakerError, type CallTimeoutError } from '../../base/errors.ts'
import { httpFields, withHttpFields } from './http-error.ts'
import type { ServerBreakersOptions } from './options.ts'
import { ServedCall } from './served-call.ts'

/** As much of Node's `IncomingMessage`, of HTTP/1 or HTTP/2, as is used. */
export interface ServedRequest {
  readonly socket?: ServedSocket | null | undefined
  readonly stream?: ServedStream | undefined
}

/** As much of Node's `ServerResponse`, of HTTP/1 or HTTP/2, as is used. */
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

/** How the framework goes on. */
export interface Course {
  /** To the handler. */
  readonly proceed: () => void
  /** Not to the handler. */
  readonly reject: (error: unknown) => void
  /** Away from the handler, which is there already. */
  readonly expire: (error: CallTimeoutError) => void
}

const NGHTTP2_CANCEL = 8

// The calls that a request is in.
const callsOf = new WeakMap<object, Map<CircuitBreaker, ServedCall>>()

/** Lets a request of Node's through a breaker to what answers it. */
export function serveThrough(
  find: () => CircuitBreaker,
  classifyStatus: ServerBreakersOptions['classifyStatus'],
  request: ServedRequest,
  response: ServedResponse,
  { proceed, reject, expire }: Course,
): void {
  const calls = callsOf.get(request) ?? new Map<CircuitBreaker, ServedCall>()
  let breaker: CircuitBreaker
  let served: ServedCall
  try {
    breaker = find()
    // Mounted for the whole server and for the route: it is one call all the same.
    if (calls.has(breaker)) return proceed()
    served = new ServedCall(breaker, classifyStatus)
  } catch (error) {
    return reject(isCircuitBreakerError(error) ? withHttpFields(error, httpFields(error)) : error)
  }
  callsOf.set(request, calls.set(breaker, served))
  observe(served, request, response)
  served.call.startTimeout(
    (error) => {
      // The handler may yet fail, which a framework answers by closing the connection. It must not be another's by then.
      if (!request.stream) response.setHeader('connection', 'close')
      expire(withHttpFields(error, httpFields(error)))
    },
    () => response.headersSent,
  )
  proceed()
}

/** Tells the calls of a request what its handler threw. */
export function noteError(request: object, error: unknown): void {
  for (const served of callsOf.get(request)?.values() ?? []) served.error ??= error
}

function observe(served: ServedCall, request: ServedRequest, response: ServedResponse): void {
  const { call } = served
  const answered = (): void => served.answered(response.statusCode, () => response.getHeaders(), response)
  if (response.destroyed || request.stream?.destroyed) return call.ignore()
  // All has been handed over; what the network makes of it is not our concern. HTTP/2 has no first event, and the second
  // also when the client leaves.
  const end = (): void => {
    if (response.writableEnded) answered()
  }
  response.on('prefinish', end)
  response.on('finish', end)
  response.on('drain', () => call.pace())
  response.on('close', () => {
    if (call.settled) return
    if (hasLeft(request, response)) call.ignore()
    else call.fail(served.error ?? response.errored ?? new Error('The answer broke off'))
  })
  // A stream without end would keep all others out, and count as failed when its lease ends.
  if (call.isProbe) served.watch(Infinity, () => !response.headersSent, answered)
}

/** Whether it was the client who closed the connection, or the stream, before the answer was complete. */
function hasLeft({ socket, stream }: ServedRequest, { errored }: ServedResponse): boolean {
  if (stream) return stream.rstCode === NGHTTP2_CANCEL
  if (!socket) return false
  if (socket.readableEnded) return true
  // An answer that is destroyed with an error hands it on to its socket.
  const code = (socket.errored as { code?: unknown } | null | undefined)?.code
  return socket.errored !== errored && /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT)$/.test(String(code))
}
