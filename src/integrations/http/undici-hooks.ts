import { tooOld } from '../../base/peer.ts'
import { isObject } from '../../base/validate.ts'

/** How undici lets a request be steered. */
export interface Controller {
  readonly aborted: boolean
  readonly paused: boolean
  readonly reason?: unknown
  readonly rawHeaders?: unknown
  readonly rawTrailers?: unknown
  abort(reason: unknown): void
  pause(): void
  resume(): void
}

/** What undici tells of a request, in the versions 7 and 8. */
export interface Handler {
  onRequestStart?(controller: Controller, context: unknown): void
  onRequestUpgrade?(controller: Controller, status: number, headers: unknown, socket: unknown): void
  onResponseStarted?(): void
  onResponseStart?(controller: Controller, status: number, headers: unknown, message?: string): void
  onResponseData?(controller: Controller, chunk: unknown): void
  onResponseEnd?(controller: Controller, trailers: unknown): void
  onResponseError?(controller: Controller | null, error: unknown): void
  onBodySent?(chunk: unknown): void
  onRequestSent?(): void
}

/** The hooks of undici up to version 6, which the `fetch` of Node 22 and 24 still has. */
interface LegacyHandler {
  onConnect?(abort: (reason: unknown) => void, context: unknown): void
  onUpgrade?(status: number, rawHeaders: unknown[], socket: unknown): void
  onResponseStarted?(): void
  onHeaders?(status: number, rawHeaders: unknown[], resume: () => void, message?: string): unknown
  onData?(chunk: unknown): unknown
  onComplete?(rawTrailers: unknown[]): void
  onError?(error: unknown): void
  onBodySent?(chunk: unknown): void
  onRequestSent?(): void
}

/** Lets a handler with the old hooks be told by the new ones. Without that it would wait for ever. */
export function modern(handler: object): Handler & Refusing {
  const legacy = handler as LegacyHandler
  return {
    onRequestStart: (controller, context) =>
      legacy.onConnect?.((reason) => controller.abort(reason), context),
    onRequestUpgrade: (controller, status, headers, socket) =>
      legacy.onUpgrade?.(status, raw(controller.rawHeaders, headers), socket),
    onResponseStarted: () => legacy.onResponseStarted?.(),
    onResponseStart(controller, status, headers, message) {
      const fields = raw(controller.rawHeaders, headers)
      pauseIf(
        legacy.onHeaders?.(status, fields, () => controller.resume(), message),
        controller,
      )
    },
    onResponseData: (controller, chunk) => pauseIf(legacy.onData?.(chunk), controller),
    onResponseEnd: (controller, trailers) => legacy.onComplete?.(raw(controller.rawTrailers, trailers)),
    onResponseError(_controller, error) {
      if (!legacy.onError) throw error
      legacy.onError(error)
    },
    onBodySent: (chunk) => legacy.onBodySent?.(chunk),
    onRequestSent: () => legacy.onRequestSent?.(),
    onConnect: (abort) => abort(ofUndici6()),
    onError: (error) => legacy.onError?.(named(error)),
  }
}

/** The old hooks that a dispatcher of undici 6 may call. */
interface Refusing {
  onConnect(abort: (reason: unknown) => void): void
  onError(error: unknown): void
}

export function ofUndici6(): TypeError {
  return tooOld('undici', 'undici 7 or 8', 'a dispatcher of undici 6 or older', 'undici@latest')
}

/** Whether a dispatcher rejected the handler for lacking the old hooks, as only undici 6 and older do. */
export function refusesHandler(error: unknown): boolean {
  return (
    isObject(error) &&
    error['code'] === 'UND_ERR_INVALID_ARG' &&
    /^invalid on(Headers|Upgrade) method$/.test(String(error['message']))
  )
}

/** The error itself, or the clear one in its place. */
export function named(error: unknown): unknown {
  return refusesHandler(error) ? ofUndici6() : error
}

function pauseIf(answer: unknown, controller: Controller): void {
  if (answer === false) controller.pause()
}

/** Names and values in turn, in Node's buffers. */
function raw(given: unknown, parsed: unknown): unknown[] {
  if (Array.isArray(given)) return given as unknown[]
  const fields = isObject(given) ? given : isObject(parsed) ? parsed : {}
  return Object.entries(fields).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).flatMap((each: unknown) => [buffer(name), buffer(String(each))]),
  )
}

function buffer(text: string): Uint8Array {
  const { Buffer } = globalThis as unknown as {
    Buffer: { from(text: string, encoding: 'latin1'): Uint8Array }
  }
  return Buffer.from(text, 'latin1')
}
