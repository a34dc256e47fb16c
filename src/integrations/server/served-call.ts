import type { Outcome } from '../../base/state.ts'
import { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { HttpStatusError } from '../classify/http-status.ts'
import type { ServerBreakersOptions } from './options.ts'

/**
 * A request to this server that goes through a breaker to its handler. It is settled by the first of these: the end of
 * the response, according to its status; a response that breaks off, a failure; a client that disconnects, ignored; the
 * timeout, a failure.
 */
export class ServedCall {
  /**
   * The error that the handler threw, if it was observed. If the status counts as a failure, the call fails with this
   * error.
   */
  error: unknown
  readonly call: SupervisedCall
  readonly #breaker: CircuitBreaker
  readonly #classifyStatus: ServerBreakersOptions['classifyStatus']

  /** @throws {CircuitBreakerError} when the circuit rejects the request. */
  constructor(breaker: CircuitBreaker, classifyStatus: ServerBreakersOptions['classifyStatus']) {
    this.call = superviseCall(breaker)
    this.#breaker = breaker
    this.#classifyStatus = classifyStatus
  }

  /** Returns the outcome of a response with this status, if it completes. */
  outcomeOf(status: number): Outcome {
    return this.call.classify(this.#classifyStatus, status, () => (status >= 500 ? 'failure' : 'success'))
  }

  /** Settles the call when the response is complete. `response` is passed to the breaker's `classifyResult`. */
  complete(status: number, headers: () => unknown, response: unknown): void {
    if (this.call.settled) return
    const outcome = this.outcomeOf(status)
    if (outcome === 'success') this.call.succeed(response)
    else if (outcome === 'ignored') this.call.ignore()
    else this.call.fail(this.error ?? new HttpStatusError(status, headers()))
  }

  /**
   * Watches the response until it ends. A probe needs frequent checks, since its response may begin late in its lease.
   */
  watch(every: number, isRead: () => boolean, release: () => void): void {
    const { probeTimeout } = CircuitBreaker.circuitOf(this.#breaker)!.options
    this.call.watch({ every: Math.min(every, probeTimeout / 8), isRead, release })
  }
}
