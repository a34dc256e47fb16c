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
