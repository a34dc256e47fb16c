import type { CallTimeoutError } from '../../base/errors.ts'
import { isObject } from '../../base/validate.ts'
import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { meaningOf } from './classify.ts'
import type { AiSettings } from './options.ts'

type Settings = Pick<AiSettings, 'classifyError' | 'releaseAfter'>

/**
 * One call of a model. An error or the end of the answer judges it. Where it streams, it took until its first token, and it
 * is ignored if nobody reads it.
 */
export class ModelCall {
  readonly #settings: Settings
  readonly #call: SupervisedCall
  /** Ends a stream whose first token takes too long. */
  onTimeout: ((error: CallTimeoutError) => void) | undefined

  /** @throws {CircuitBreakerError} if the circuit does not let the call through. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    this.#settings = settings
    this.#call = superviseCall(breaker, { signal })
  }

  /** Sends the request; with a signal that also aborts when the first token takes longer than `callTimeout`. */
  send<T>(send: (signal: AbortSignal | undefined) => PromiseLike<T>): Promise<T> {
    return this.#call.send(send, (error) => this.onTimeout?.(error))
  }

  /** The first token is there, or a later one. */
  begin(): void {
    this.#call.stopTimeout()
    this.#call.lap()
  }

  /** A part of the stream is there. A probe may last as long as there are parts. */
  renew(): void {
    this.#call.renew()
  }

  /** Begins to look whether somebody reads the stream. */
  watch(isRead: () => boolean): void {
    this.#call.watch({ every: this.#settings.releaseAfter, isRead, release: () => this.#call.ignore() })
  }

  /** The model has come to an end, for the reason that `answer` says. */
  finish(answer: { readonly finishReason?: unknown }): void {
    const { finishReason } = answer
    // A string in AI SDK 5, an object in 6 and 7.
    const reason = isObject(finishReason) ? finishReason['unified'] : finishReason
    if (reason === 'error' || reason === 'interrupted')
      this.#call.fail(new Error(`The model finished with the reason "${reason}"`))
    else this.#call.succeed(answer, reason === 'content-filter' ? 'ignored' : undefined)
  }

  /** The call failed with `error`, unless its caller made it do so. Returns the error that the caller is to get. */
  fail(error: unknown): unknown {
    if (this.#call.settled) return error // the caller has had the one that settled it
    return this.#call.fail(error, this.#call.classify(this.#settings.classifyError, error, outcomeOf))
  }

  /** The reader has left. That says nothing about the provider, nor does how long it took. */
  abandon(): void {
    this.#call.pace()
    this.#call.ignore()
  }
}

/** `undefined` leaves it to the breaker's own classification. */
function outcomeOf(error: unknown): 'ignored' | undefined {
  return meaningOf(error) === 'failure' ? undefined : 'ignored'
}
