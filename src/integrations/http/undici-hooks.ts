import { tooOld } from '../../base/peer.ts'
import { isObject } from '../../base/validate.ts'

/** The subset of undici's request controller that this module uses. */
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

/** The handler hooks of undici 7 and 8. */
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

/** The handler hooks of undici 6 and older, which the built-in `fetch` of Node 22 and 24 still uses. */
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

/** Adapts a handler that has only the old hooks to the new ones. Without this its request would never end. */
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

/** The old hooks by which a handler refuses a dispatcher of undici 6 or older. */
interface Refusing {
  onConnect(abort: (reason: unknown) => void): void
  onError(error: unknown): void
}

/** Returns the error for a dispatcher that is too old. */
export function ofUndici6(): TypeError {
  return tooOld('undici', 'undici 7 or 8', 'a dispatcher of undici 6 or older', 'undici@latest')
}

/** Whether the dispatcher rejected the handler because it lacks the old hooks, as only undici 6 and older do. */
export function refusesHandler(error: unknown): boolean {
  return (
    isObject(error) &&
    error['code'] === 'UND_ERR_INVALID_ARG' &&
    /^invalid on(Headers|Upgrade) method$/.test(String(error['message']))
  )
}

/** Returns the error itself, or a clearer one if the dispatcher is too old. */
export function named(error: unknown): unknown {
  return refusesHandler(error) ? ofUndici6() : error
}

function pauseIf(result: unknown, controller: Controller): void {
  if (result === false) controller.pause()
}

/** Returns header fields in the form of the old hooks: names and values alternate, each in a buffer. */
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
