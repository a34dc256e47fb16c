import type { CallTimeoutError } from '../../base/errors.ts'
import { isObject } from '../../base/validate.ts'
import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { meaningOf } from './classify.ts'
import type { AiSettings } from './options.ts'

type Settings = Pick<AiSettings, 'classifyError' | 'releaseAfter'>

/**
 * One call of a model, settled by an error or by the end of the answer. The duration of a stream is the time to its
 * first token, and a stream that nobody reads is ignored.
 */
export class ModelCall {
  readonly #settings: Settings
  readonly #call: SupervisedCall
  /** Called when the first token of a stream takes longer than `callTimeout`. */
  onTimeout: ((error: CallTimeoutError) => void) | undefined

  /** @throws {CircuitBreakerError} when the circuit rejects the call. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    this.#settings = settings
    this.#call = superviseCall(breaker, { signal })
  }

  /** Sends the request, with a signal that also aborts when the first token takes longer than `callTimeout`. */
  send<T>(send: (signal: AbortSignal | undefined) => PromiseLike<T>): Promise<T> {
    return this.#call.send(send, (error) => this.onTimeout?.(error))
  }

  /** Records the arrival of a token. The first one ends the timeout and determines the duration of the call. */
  begin(): void {
    this.#call.stopTimeout()
    this.#call.lap()
  }

  /** Records the arrival of a part, which renews the lease of a probe. */
  renew(): void {
    this.#call.renew()
  }

  /** Starts to check regularly whether the stream is read. */
  watch(isRead: () => boolean): void {
    this.#call.watch({ every: this.#settings.releaseAfter, isRead, release: () => this.#call.ignore() })
  }

  /** Settles the call when the model has finished, according to the finish reason in `answer`. */
  finish(answer: { readonly finishReason?: unknown }): void {
    const { finishReason } = answer
    // A string in AI SDK 5, an object in 6 and 7.
    const reason = isObject(finishReason) ? finishReason['unified'] : finishReason
    if (reason === 'error' || reason === 'interrupted')
      this.#call.fail(new Error(`The model finished with the reason "${reason}"`))
    else this.#call.succeed(answer, reason === 'content-filter' ? 'ignored' : undefined)
  }

  /**
   * Settles the call with `error`: a failure, unless the caller or the request caused it. Returns the error for the
   * caller.
   */
  fail(error: unknown): unknown {
    if (this.#call.settled) return error // the caller already has the error that settled it
    return this.#call.fail(error, this.#call.classify(this.#settings.classifyError, error, outcomeOf))
  }

  /**
   * Ignores the call when the reader cancels the stream. Neither that nor the duration says anything about the
   * provider.
   */
  abandon(): void {
    this.#call.pace()
    this.#call.ignore()
  }
}

/** Returns `undefined` if the breaker's own options classify the error. */
function outcomeOf(error: unknown): 'ignored' | undefined {
  return meaningOf(error) === 'failure' ? undefined : 'ignored'
}
