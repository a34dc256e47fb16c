import type { Outcome } from '../../base/state.ts'
import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { HttpStatusError } from '../classify/http-status.ts'
import type { ServerBreakersOptions } from './options.ts'

/**
 * One request to this server that a handler answers. Whatever comes first judges it: the end of the answer, by its status;
 * a break in it; the client that leaves, which is ignored; the time-out.
 */
export class ServedCall {
  /** What the handler threw, if anybody saw it: stands in for the status where that is a failure. */
  error: unknown
  readonly call: SupervisedCall
  readonly #breaker: CircuitBreaker
  readonly #classifyStatus: ServerBreakersOptions['classifyStatus']

  /** @throws {CircuitBreakerError} if the circuit does not let the request through. */
  constructor(breaker: CircuitBreaker, classifyStatus: ServerBreakersOptions['classifyStatus']) {
    this.call = superviseCall(breaker)
    this.#breaker = breaker
    this.#classifyStatus = classifyStatus
  }

  /** What an answer of this status is, before it has ended. */
  judge(status: number): Outcome {
    return this.call.classify(this.#classifyStatus, status, () => (status >= 500 ? 'failure' : 'success'))
  }

  /** The answer is complete. `response` is what a `classifyResult` is shown. */
  answered(status: number, headers: () => unknown, response: unknown): void {
    if (this.call.settled) return
    const outcome = this.judge(status)
    if (outcome === 'success') this.call.succeed(response)
    else if (outcome === 'ignored') this.call.ignore()
    else this.call.fail(this.error ?? new HttpStatusError(status, headers()))
  }

  /** Waits for the end of the answer. A probe is looked at often, since its answer may have begun late in its lease. */
  watch(every: number, isRead: () => boolean, release: () => void): void {
    this.call.watch({ every: Math.min(every, this.#breaker.options.probeTimeout / 8), isRead, release })
  }
}
