import { CircuitBreaker } from '../../breaker.ts'
import { CallTimeoutError } from '../../base/errors.ts'
import { readOutcome } from '../../base/outcome.ts'
import type { CallPermit } from '../../core/permit.ts'
import type { Outcome } from '../../base/state.ts'
import { startTimer } from '../../base/timer.ts'
import { HttpStatusError } from '../classify/http-status-error.ts'
import type { ServerBreakersOptions } from './options.ts'

/**
 * One request to this server that a handler answers under a permit. Whatever comes first judges it: the end of the
 * answer, by its status; a break in it; the client that leaves; the time-out.
 */
export class ServedCall {
  /** What the handler threw, if anybody saw it: told in place of the status where that is a failure. */
  error: unknown
  readonly #breaker: CircuitBreaker
  readonly #permit: CallPermit
  readonly #classifyStatus: ServerBreakersOptions['classifyStatus']
  readonly #stops: (() => void)[] = []
  #settled = false

  /** @throws {CircuitBreakerError} if the circuit does not let the request through. */
  constructor(breaker: CircuitBreaker, classifyStatus: ServerBreakersOptions['classifyStatus']) {
    this.#breaker = breaker
    this.#permit = breaker.acquire() as CallPermit // that is what it is
    this.#classifyStatus = classifyStatus
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Whether others wait for what becomes of it. */
  get isProbe(): boolean {
    return this.#permit.deadline < Infinity
  }

  /** Runs `undo` when the call is settled. */
  onSettled(undo: () => void): void {
    if (this.#settled) undo()
    else this.#stops.push(undo)
  }

  /** Calls `expire` if there is no answer within `callTimeout`; the call is a failure by then. */
  limit(isAnswered: () => boolean, expire: (error: CallTimeoutError) => void): void {
    const { callTimeout, name } = this.#breaker.options
    if (callTimeout === Infinity) return
    const late = (): void => {
      if (isAnswered()) return
      const error = new CallTimeoutError(name, callTimeout)
      if (this.#settle(true, error, 'failure')) expire(error)
    }
    this.onSettled(startTimer(callTimeout, late, false))
  }

  /** Calls `look` every now and then, so often that a probe can be judged before its lease ends. */
  watch(every: number, look: () => void): void {
    let stop: () => void
    const wait = (): void => {
      stop = startTimer(
        Math.min(every, this.#breaker.options.probeTimeout / 8),
        () => {
          look()
          if (!this.#settled) wait()
        },
        false,
      )
    }
    wait()
    this.onSettled(() => stop())
  }

  /** The answer goes at the pace of the client: how long it takes says nothing about us. */
  pace(): void {
    this.#permit.paced = true
  }

  /** A sign of life of an answer that lasts. */
  renew(): void {
    this.#permit.renew()
  }

  /** What an answer of this status is, before it has ended. */
  judge(status: number): Outcome {
    try {
      return readOutcome(this.#classifyStatus?.(status)) ?? (status >= 500 ? 'failure' : 'success')
    } catch (error) {
      CircuitBreaker.circuitOf(this.#breaker)?.report(error)
      return 'ignored'
    }
  }

  /** The answer is complete. `response` is what a `classifyResult` is shown. */
  answered(status: number, headers: () => unknown, response: unknown): void {
    if (this.#settled) return
    const outcome = this.judge(status)
    if (outcome === 'success') this.#settle(false, response)
    else if (outcome === 'ignored') this.#settle(false, undefined, outcome)
    else this.#settle(true, this.error ?? new HttpStatusError(status, headers()))
  }

  /** The answer failed, and there was no status to say so. */
  failed(error: unknown): void {
    this.#settle(true, error)
  }

  /** The client has gone, which is not our fault. */
  abandoned(): void {
    this.#settle(false, undefined, 'ignored')
  }

  #settle(threw: boolean, payload: unknown, told?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    for (const stop of this.#stops) stop()
    this.#permit.settle(threw, payload, told)
    return true
  }
}
