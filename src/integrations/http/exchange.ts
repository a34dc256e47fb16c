import { CircuitBreaker } from '../../breaker.ts'
import { CallTimeoutError } from '../../base/errors.ts'
import { readOutcome } from '../../base/outcome.ts'
import type { CallPermit } from '../../core/permit.ts'
import type { Outcome } from '../../base/state.ts'
import { isTimeout } from '../../calls/task.ts'
import { startTimer } from '../../base/timer.ts'
import { classifyHttpStatus } from '../classify/http-status.ts'
import { classifyNetworkError } from '../classify/network.ts'
import { HttpStatusError } from '../classify/http-status-error.ts'
import type { HttpSettings, Waiting } from './options.ts'

/** What the calls of one client share. */
type Settings = Pick<HttpSettings<never>, 'classifyStatus' | 'releaseAfter' | 'waiting'>

/** Whether who reads a body waits for more of it, so that it is the server that takes its time. */
export type IsRead = () => boolean

/**
 * One request and its response under a permit. A failing status or an error judges it at once, else the end of the body
 * does. Whatever comes first counts; what comes later has no effect.
 *
 * Invariant: it is always settled in the end. A body that is left unread is not waited for, nor is an endless one where
 * its circuit is half-open, since that keeps all others out.
 */
export class Exchange implements Waiting {
  readonly #settings: Settings
  readonly #breaker: CircuitBreaker
  readonly #permit: CallPermit
  readonly #signal: AbortSignal | undefined
  #stopTimer: (() => void) | undefined
  #settled = false
  #alive = false
  #body: { readonly response: unknown; readonly isRead: IsRead; readonly every: number } | undefined
  due: number = Infinity

  /** @throws {CircuitBreakerError} if the circuit does not let the request through. */
  constructor(settings: Settings, breaker: CircuitBreaker, signal?: AbortSignal) {
    this.#settings = settings
    this.#breaker = breaker
    lookAtWaiting(settings.waiting)
    this.#permit = breaker.acquire() as CallPermit // that is what it is
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Whether the caller has given up by its signal. */
  get aborted(): boolean {
    return this.#signal?.aborted ?? false
  }

  /** How long the headers may take, in milliseconds. */
  get timeout(): number {
    return this.#breaker.options.callTimeout
  }

  /** Calls `expire` if the headers take too long; the call is a failure by then. */
  limit(expire: (error: CallTimeoutError) => void): void {
    const { timeout } = this
    if (timeout === Infinity || this.#settled) return
    const late = (): void => {
      const error = new CallTimeoutError(this.#breaker.name, timeout)
      if (this.#settle(true, error, 'failure')) expire(error)
    }
    this.#stopTimer = startTimer(timeout, late, false)
  }

  /**
   * The headers are there. Returns whether the body has a say: a status that is no success judges the call at once.
   */
  answered(status: number, headers: unknown): boolean {
    this.#stopTimer?.()
    const outcome = this.#judge(status)
    if (outcome === 'success') return !this.#settled
    if (outcome === 'failure') this.#settle(true, new HttpStatusError(status, headers))
    else this.#settle(false, undefined, outcome)
    return false
  }

  /** Begins to wait for the end of the body of a `response`, but not for ever. */
  awaitBody(response: unknown, isRead: IsRead): void {
    if (this.#settled) return
    // A probe must be judged by what is known of it before its lease ends, which would count against the server.
    const every = Math.min(this.#settings.releaseAfter, this.#breaker.options.probeTimeout / 2)
    this.#permit.renew()
    this.#body = { response, isRead, every }
    this.#wait(every)
  }

  /** Looks whether it is worth to wait on. */
  look(): void {
    if (!this.#body || this.#settled) return
    const { response, isRead, every } = this.#body
    const reading = isRead()
    const alive = this.#alive
    this.#alive = false
    const isProbe = this.#permit.deadline < Infinity
    if (isProbe ? reading && !alive : reading || alive) return this.#wait(every)
    this.#permit.paced = true // how long that took says nothing about the server
    this.succeed(response)
  }

  #wait(every: number): void {
    const { waiting } = this.#settings
    this.#stopTimer?.()
    waiting.delete(this)
    waiting.add(this)
    this.due = performance.now() + every
    this.#stopTimer = startTimer(every, () => this.look(), false)
  }

  /** A part of the body is there. */
  flow(): void {
    this.#alive = true
  }

  /** All went well; `response` is what a `classifyResult` is shown. */
  succeed(response: unknown): void {
    this.#settle(false, response)
  }

  /** The client gave up with `error`, unless its caller made it do so. Returns the error that the caller is to get. */
  fail(error: unknown): unknown {
    if (this.aborted) this.#abort()
    else if (classifyNetworkError(error) === 'ignored') this.#settle(true, error, 'ignored')
    else this.#settle(true, error)
    return this.#permit.tripError ?? error
  }

  /** The caller gave up. */
  abandon(reason: unknown): void {
    this.#settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')
  }

  /** It says nothing about the server. */
  ignore(): void {
    this.#settle(false, undefined, 'ignored')
  }

  readonly #abort = (): void => this.abandon(this.#signal?.reason)

  #settle(threw: boolean, payload: unknown, told?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#permit.settle(threw, payload, told)
    this.#settings.waiting.delete(this)
    this.#stopTimer?.()
    this.#signal?.removeEventListener('abort', this.#abort)
    return true
  }

  #judge(status: number): Outcome {
    try {
      return readOutcome(this.#settings.classifyStatus?.(status)) ?? classifyHttpStatus(status)
    } catch (error) {
      CircuitBreaker.circuitOf(this.#breaker)?.report(error)
      return 'ignored'
    }
  }
}

/**
 * Does what timers have not done: a worker ends them with the request that they were begun in, though its response may
 * still be on its way.
 */
function lookAtWaiting(waiting: Set<Waiting>): void {
  if (waiting.size === 0) return
  const now = performance.now()
  for (const each of waiting) {
    if (each.due > now) return
    waiting.delete(each)
    try {
      each.look()
    } catch {
      // What belongs to another request cannot always be touched; the call has been judged by then.
    }
  }
}
