import { CircuitBreaker } from '../../breaker.ts'
import { CallTimeoutError } from '../../base/errors.ts'
import { readOutcome } from '../../base/outcome.ts'
import type { CallPermit } from '../../core/permit.ts'
import type { Outcome } from '../../base/state.ts'
import { adopt, Context } from '../../calls/task.ts'
import { startTimer } from '../../base/timer.ts'
import { isObject, tagOf } from '../../base/validate.ts'
import { meaningOf } from './classify.ts'
import { elapsed, setElapsed } from './latency.ts'
import type { AiSettings } from './options.ts'

type Settings = Pick<AiSettings, 'classifyError' | 'releaseAfter'>

/**
 * One call of a model under a permit. An error or the end of the answer judges it, whatever comes first; what comes later
 * has no effect. Its latency is the time to the first token, where it streams.
 *
 * Invariant: it is always settled in the end, also if nobody reads the stream.
 */
export class ModelCall {
  readonly #settings: Settings
  readonly #breaker: CircuitBreaker
  readonly #permit: CallPermit
  readonly #signal: AbortSignal | undefined
  #stopDeadline: (() => void) | undefined
  #stopWatch: (() => void) | undefined
  #latency = NaN
  #settled = false
  #alive = false
  /** Ends a stream whose first token takes too long. */
  onTimeout: ((error: CallTimeoutError) => void) | undefined

  /** @throws {CircuitBreakerError} if the circuit does not let the call through. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    this.#settings = settings
    this.#breaker = breaker
    this.#permit = breaker.acquire() as CallPermit // that is what it is
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
  }

  /** Sends the request; with a signal that also aborts when the first token takes longer than `callTimeout`. */
  send<T>(send: (signal: AbortSignal | undefined) => PromiseLike<T>): Promise<T> {
    const { name, options } = this.#breaker
    const { callTimeout } = options
    if (callTimeout === Infinity) return adopt(() => send(undefined))
    const context = new Context(this.#signal, true)
    return new Promise((resolve, reject) => {
      const expire = (): void => {
        const error = new CallTimeoutError(name, callTimeout)
        if (!this.#settle(true, error, 'failure')) return
        reject(error)
        this.onTimeout?.(error)
        context.abort(error)
      }
      this.#stopDeadline = startTimer(callTimeout, expire, false)
      adopt(() => send(context.signal)).then(resolve, reject)
    })
  }

  /** The first token is there, or a later one. */
  begin(): void {
    this.#stopDeadline?.()
    if (Number.isNaN(this.#latency)) this.#latency = elapsed(this.#breaker, this.#permit)
  }

  /** A part of the stream is there. */
  flow(): void {
    this.#alive = true
    if (!this.#settled) this.#permit.renew()
  }

  /** Begins to look whether somebody reads the stream. */
  watch(isRead: () => boolean): void {
    if (this.#settled) return
    // A probe must not lose its lease because of its reader, since that would count against the provider.
    const every = Math.min(this.#settings.releaseAfter, this.#breaker.options.probeTimeout / 2)
    const look = (): void => {
      const wanted = this.#alive || isRead()
      this.#alive = false
      if (wanted) this.#stopWatch = startTimer(every, look, false)
      else this.ignore()
    }
    this.#stopWatch = startTimer(every, look, false)
  }

  /** The model has come to an end, for the reason that `answer` says. */
  finish(answer: { readonly finishReason?: unknown }): void {
    const { finishReason } = answer
    // A string in AI SDK 5, an object in 6 and 7.
    const reason = isObject(finishReason) ? finishReason['unified'] : finishReason
    if (reason === 'error' || reason === 'interrupted')
      this.#settle(true, new Error(`The model finished with the reason "${reason}"`))
    else if (reason === 'content-filter') this.#settle(false, answer, 'ignored')
    else this.#settle(false, answer)
  }

  /** The call failed with `error`, unless its caller made it do so. Returns the error that the caller is to get. */
  fail(error: unknown): unknown {
    if (this.#signal?.aborted) this.#abort()
    else if (this.#settle(true, error, this.#judge(error))) return this.#permit.tripError ?? error
    return error
  }

  /** It says nothing about the provider. */
  ignore(): void {
    this.#permit.paced = true // nor does how long it took
    this.#settle(false, undefined, 'ignored')
  }

  readonly #abort = (): void => {
    const reason: unknown = this.#signal?.reason
    this.#settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')
  }

  #settle(threw: boolean, payload: unknown, told?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#stopDeadline?.()
    this.#stopWatch?.()
    this.#signal?.removeEventListener('abort', this.#abort)
    if (!Number.isNaN(this.#latency)) setElapsed(this.#breaker, this.#permit, this.#latency)
    this.#permit.settle(threw, payload, told)
    return true
  }

  /** `undefined` leaves it to the breaker's own classification. */
  #judge(error: unknown): Outcome | undefined {
    try {
      const told = readOutcome(this.#settings.classifyError?.(error))
      return told ?? (meaningOf(error) === 'failure' ? undefined : 'ignored')
    } catch (thrown) {
      CircuitBreaker.circuitOf(this.#breaker)?.report(thrown)
      return 'ignored'
    }
  }
}

/** Whether a caller gave up because of its own time-out, as `AbortSignal.timeout` and the SDK do. */
function isTimeout(reason: unknown): boolean {
  return isObject(reason) && tagOf(reason) === 'DOMException' && reason['name'] === 'TimeoutError'
}
