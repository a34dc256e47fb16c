import { systemClock } from '../../base/clock.ts'
import { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { classifyHttpStatus, HttpStatusError } from '../classify/http-status.ts'
import { classifyNetworkError } from '../classify/network.ts'
import type { HttpSettings, Waiting } from './options.ts'

/** The settings and state that the calls of one client share. */
type Settings = Pick<HttpSettings<never>, 'classifyStatus' | 'releaseAfter' | 'waiting'>

/**
 * One request and its response. An error or a status that is not a success settles the call at once; otherwise the end
 * of the body does.
 *
 * The call does not wait for a body that nobody reads. A probe does not wait for an endless body either, because the
 * half-open circuit rejects other calls in the meantime.
 */
export class HttpCall implements Waiting {
  readonly call: SupervisedCall
  readonly #settings: Settings
  readonly #checkEvery: number
  check: () => void = () => {}
  checkAt: number = Infinity

  /** @throws {CircuitBreakerError} when the circuit rejects the request. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    checkWaiting(settings.waiting)
    this.call = superviseCall(breaker, { signal })
    this.#settings = settings
    const { probeTimeout } = CircuitBreaker.circuitOf(breaker)!.options
    this.#checkEvery = Math.min(settings.releaseAfter, probeTimeout / 2)
  }

  /**
   * Stops the timeout, as the response headers have arrived, and settles the call unless the status is a success.
   *
   * @returns whether the call is still to be settled, by the end of the body.
   */
  answered(status: number, headers: unknown): boolean {
    this.call.stopTimeout()
    const outcome = this.call.classify(this.#settings.classifyStatus, status, classifyHttpStatus)
    if (outcome === 'success') return !this.call.settled
    if (outcome === 'failure') this.call.fail(new HttpStatusError(status, headers))
    else this.call.ignore()
    return false
  }

  /**
   * Waits for the end of the body of a `response`, and succeeds without it when waiting becomes pointless. `isRead`
   * tells whether a reader is waiting for more of the body, so that any delay is the server's.
   */
  awaitBody(response: unknown, isRead: () => boolean): void {
    if (this.call.settled) return
    this.call.renew()
    this.check = this.call.watch({
      every: this.#checkEvery,
      isRead: () => {
        const isReading = isRead()
        this.#requeue()
        return isReading
      },
      release: () => this.call.succeed(response),
    })
    this.#requeue()
    this.call.onSettled(() => this.#settings.waiting.delete(this))
  }

  /**
   * Fails the call with an error of the client, unless the caller aborted it. An error that arose on this machine is
   * ignored.
   *
   * @returns the error to throw to the caller.
   */
  fail(error: unknown): unknown {
    return this.call.fail(error, classifyNetworkError(error) === 'ignored' ? 'ignored' : undefined)
  }

  /** Moves this call to the end of the queue and sets when its next check is due. */
  #requeue(): void {
    const { waiting } = this.#settings
    waiting.delete(this)
    waiting.add(this)
    this.checkAt = systemClock.now() + this.#checkEvery
  }
}

/**
 * Runs checks that are overdue because their timers never fired: an edge runtime cancels timers together with the
 * request that started them, although the response may still be streaming.
 */
function checkWaiting(waiting: Set<Waiting>): void {
  if (waiting.size === 0) return
  const now = systemClock.now()
  for (const each of waiting) {
    if (each.checkAt > now) return
    waiting.delete(each)
    try {
      each.check()
    } catch {
      // The runtime may forbid access to objects of another request. That must not fail this one.
    }
  }
}
