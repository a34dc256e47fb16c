import type { CircuitBreaker } from '../../breaker.ts'
import type { SupervisedCall } from '../../calls/supervised-call.ts'
import { superviseCall } from '../adapter.ts'
import { classifyHttpStatus, HttpStatusError } from '../classify/http-status.ts'
import { classifyNetworkError } from '../classify/network.ts'
import type { HttpSettings, Waiting } from './options.ts'

/** What the calls of one client share. */
type Settings = Pick<HttpSettings<never>, 'classifyStatus' | 'releaseAfter' | 'waiting'>

/**
 * One request and its response. A failing status or an error judges it at once, else the end of the body does.
 *
 * A body that is left unread is not waited for, nor is an endless one where its circuit is half-open, since that keeps all
 * others out.
 */
export class HttpCall implements Waiting {
  readonly call: SupervisedCall
  readonly #settings: Settings
  readonly #checkEvery: number
  check: () => void = () => {}
  checkAt: number = Infinity

  /** @throws {CircuitBreakerError} if the circuit does not let the request through. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    checkWaiting(settings.waiting)
    this.call = superviseCall(breaker, { signal })
    this.#settings = settings
    this.#checkEvery = Math.min(settings.releaseAfter, breaker.options.probeTimeout / 2)
  }

  /** The headers are there. Returns whether the body has a say: a status that is no success judges the call at once. */
  answered(status: number, headers: unknown): boolean {
    this.call.stopTimeout()
    const outcome = this.call.classify(this.#settings.classifyStatus, status, classifyHttpStatus)
    if (outcome === 'success') return !this.call.settled
    if (outcome === 'failure') this.call.fail(new HttpStatusError(status, headers))
    else this.call.ignore()
    return false
  }

  /**
   * Begins to wait for the end of the body of a `response`, but not for ever. `isRead`: whether who reads it waits for more,
   * so that it is the server that takes its time.
   */
  awaitBody(response: unknown, isRead: () => boolean): void {
    if (this.call.settled) return
    this.call.renew()
    this.check = this.call.watch({
      every: this.#checkEvery,
      isRead: () => {
        const isReading = isRead()
        this.#wait()
        return isReading
      },
      release: () => this.call.succeed(response),
    })
    this.#wait()
    this.call.onSettled(() => this.#settings.waiting.delete(this))
  }

  /** The client gave up with `error`, unless its caller made it do so. Returns the error that the caller is to get. */
  fail(error: unknown): unknown {
    return this.call.fail(error, classifyNetworkError(error) === 'ignored' ? 'ignored' : undefined)
  }

  /** Until the next look it is the one that waits the longest. */
  #wait(): void {
    const { waiting } = this.#settings
    waiting.delete(this)
    waiting.add(this)
    this.checkAt = performance.now() + this.#checkEvery
  }
}

/**
 * Does what timers have not done: a worker ends them with the request that they were begun in, though its response may
 * still be on its way.
 */
function checkWaiting(waiting: Set<Waiting>): void {
  if (waiting.size === 0) return
  const now = performance.now()
  for (const each of waiting) {
    if (each.checkAt > now) return
    waiting.delete(each)
    try {
      each.check()
    } catch {
      // What belongs to another request cannot always be touched; the call has been judged by then.
    }
  }
}
