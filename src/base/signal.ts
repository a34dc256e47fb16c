import { check, tagOf } from './validate.ts'

/** The caller of an operation, who can abort it. Follows the caller's signal by one listener, until `leave`. */
export class Caller {
  readonly #signal: AbortSignal
  #aborted = false
  /** Why the caller aborted: the reason of the signal, or an `AbortError` if it has none. */
  reason: unknown
  /** What an abort does at present. */
  onAbort: (reason: unknown) => void = () => {}

  constructor(signal: AbortSignal) {
    this.#signal = signal
    if (signal.aborted) this.#abort()
    else signal.addEventListener('abort', this.#abort)
  }

  /** Whether the caller has aborted, even if other listeners learn of it first. Never throws. */
  get aborted(): boolean {
    try {
      if (this.#signal.aborted) this.#abort()
    } catch {
      // A signal that is not the engine's own. It still tells its listeners.
    }
    return this.#aborted
  }

  /** Stops following the signal. Never throws. */
  leave(): void {
    try {
      this.#signal.removeEventListener('abort', this.#abort)
    } catch {
      // A signal that is not the engine's own. Its listener has no effect any more.
    }
  }

  readonly #abort = (): void => {
    if (this.#aborted) return
    this.leave()
    this.#aborted = true
    this.reason = reasonOf(this.#signal)
    this.onAbort(this.reason)
  }
}

/**
 * Follows the signal that a caller has given. Call it before a permit is taken, since it finds out whether the signal
 * works.
 *
 * @throws {TypeError} if it is neither an `AbortSignal` nor `null` nor `undefined`, or does not behave like one.
 */
export function follow(signal: unknown): Caller | undefined {
  if (signal === undefined || signal === null) return undefined
  let caller: Caller | undefined
  try {
    const { aborted, addEventListener, removeEventListener } = signal as Record<string, unknown>
    const isSignal =
      typeof aborted === 'boolean' &&
      typeof addEventListener === 'function' &&
      typeof removeEventListener === 'function'
    if (isSignal) caller = new Caller(signal as AbortSignal)
  } catch {
    // A getter threw, or `addEventListener` did.
  }
  check(caller !== undefined, 'signal', 'an AbortSignal', signal)
  return caller
}

/** Returns the reason of a signal that has aborted; an `AbortError` if it has none. */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    if (signal.reason !== undefined) return signal.reason
  } catch {
    // The same as none.
  }
  return AbortSignal.abort().reason
}

/** Whether an abort reason is the `TimeoutError` of `AbortSignal.timeout`, or another error with that name. */
export function isTimeout(reason: unknown): boolean {
  try {
    const isError = reason instanceof Error || /^(Error|DOMException)$/.test(tagOf(reason))
    return isError && (reason as Error).name === 'TimeoutError'
  } catch {
    return false
  }
}
