import type { Circuit } from '../core/circuit.ts'
import { CallTimeoutError, CircuitBreakerError } from '../base/errors.ts'
import { readOutcome } from '../base/outcome.ts'
import type { CallPermit } from '../core/permit.ts'
import { followWeakly } from './follow-weakly.ts'
import { follow, isTimeout, type Caller } from '../base/signal.ts'
import type { Outcome } from '../base/state.ts'
import { checkFunction, positiveOrInfinity, readOptions } from '../base/validate.ts'
import { adopt, Context } from './task.ts'
import { Watch, type WatchOptions } from './watch.ts'

/**
 * One call, settled exactly once: the first result settles it, and later ones have no effect. It settles by itself when
 * `callTimeout` expires and when its caller aborts. Everything else is up to the adapter that makes the call.
 *
 * An adapter must settle every call eventually, also if nothing reads the answer. Use `watch` for that.
 */
export class SupervisedCall {
  readonly #circuit: Circuit
  readonly #permit: CallPermit
  readonly #signal: AbortSignal | undefined
  readonly #caller: Caller | undefined
  readonly #undos: (() => void)[] = []
  #context: Context | undefined
  #settled = false
  #stopTimeout: (() => void) | undefined
  #watch: Watch | undefined

  /** @internal Throws a `CircuitBreakerError` if the circuit rejects the call, and first what `signal` aborted with. */
  constructor(circuit: Circuit, signal?: AbortSignal | null) {
    const caller = follow(signal)
    if (caller?.aborted) throw caller.reason
    const permit = circuit.admit([])
    if (permit instanceof CircuitBreakerError) {
      caller?.leave()
      throw permit
    }
    this.#circuit = circuit
    this.#permit = permit
    this.#signal = signal ?? undefined
    this.#caller = caller
    if (!caller) return
    caller.onAbort = this.#abort
    if (caller.aborted) this.#abort() // by a `beforeCall` listener
  }

  /** Whether the call is settled. */
  get settled(): boolean {
    return this.#settled
  }

  /** Whether the caller's signal has aborted. */
  get aborted(): boolean {
    return this.#caller?.aborted ?? false
  }

  /** Whether the call is a probe, on which the state of the circuit depends. */
  get isProbe(): boolean {
    return this.#permit.deadline !== undefined
  }

  /**
   * Calls `send` with the caller's signal. If the breaker has a `callTimeout`, the signal also aborts when that
   * expires; then the promise rejects, `expire` runs, and the signal aborts, in this order. Such a signal follows the
   * caller's only until the call is settled, unless you call `keepSignal`.
   *
   * @returns a promise, always. If `send` throws synchronously, the promise rejects with that error.
   */
  send<T>(
    send: (signal: AbortSignal | undefined) => T | PromiseLike<T>,
    expire?: (error: CallTimeoutError) => void,
  ): Promise<T> {
    if (this.#circuit.options.callTimeout === Infinity)
      return this.within(() => adopt(() => send(this.#signal)))
    const context = (this.#context ??= new Context())
    if (this.aborted) context.abort(this.#caller?.reason)
    return new Promise((resolve, reject) => {
      this.startTimeout((error) => {
        reject(error)
        expire?.(error)
        context.abort(error)
      })
      this.within(() => adopt(() => send(context.signal))).then(resolve, reject)
    })
  }

  /**
   * Calls `fn` as a part of this call, and returns its result. The first call of the same breaker that `fn` makes before
   * it returns counts with this call as one. If this call is a probe, all calls of the same breaker that `fn` makes are
   * part of it. {@link SupervisedCall.send} does this by itself.
   */
  within<T>(fn: () => T): T {
    return this.#permit.run(() => this.#permit.enclose(fn))
  }

  /**
   * Starts the timer of `callTimeout`, or restarts it. When it expires, the call is settled as a failure and `expire`
   * runs, unless `hasBegun` returns true: then the answer has started in time. {@link SupervisedCall.send} starts it by
   * itself.
   */
  startTimeout(expire: (error: CallTimeoutError) => void, hasBegun?: () => boolean): void {
    const { name, callTimeout } = this.#circuit.options
    if (callTimeout === Infinity || this.#settled) return
    const late = (): void => {
      if (hasBegun?.()) return
      const error = new CallTimeoutError(name, callTimeout)
      if (this.#settle(true, error, 'failure')) expire(error)
    }
    this.stopTimeout()
    this.#stopTimeout = this.#circuit.time.startTimer(callTimeout, late, true)
  }

  /** Stops the timer of `callTimeout`: the answer has started in time. */
  stopTimeout(): void {
    this.#stopTimeout?.()
  }

  /**
   * Lets the caller abort what goes on although the call is settled, such as the rest of a response, for as long as
   * anything uses the signal of `send`.
   */
  keepSignal(): void {
    const controller = this.#context?.controller
    if (this.#signal && controller && !this.aborted) followWeakly(this.#signal, controller)
  }

  /** Settles the call as a success, unless `outcome` or the breaker's `classifyResult` says otherwise. */
  succeed(value?: unknown, outcome?: Outcome): void {
    this.#settle(false, value, outcome)
  }

  /**
   * Settles the call as a failure, unless its caller aborted it, or `outcome` or the breaker's options say otherwise.
   *
   * @returns the error for the caller: `error` itself, or with `errorOnTrip` the circuit's if this call opened it.
   */
  fail(error: unknown, outcome?: Outcome): unknown {
    if (this.aborted) this.#abort()
    else this.#settle(true, error, outcome)
    return this.#permit.tripError ?? error
  }

  /** Settles the call as ignored: it says nothing about the dependency. */
  ignore(): void {
    this.succeed(undefined, 'ignored')
  }

  /**
   * Settles a call that its caller has abandoned: as ignored, or as a failure if `reason` is a `TimeoutError`, such as
   * that of `AbortSignal.timeout`.
   */
  abandon(reason: unknown): void {
    this.#settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')
  }

  /** Excludes the duration: its consumer determines it, so the call is never slow. */
  pace(): void {
    this.#permit.paced = true
  }

  /** Ends the duration now, such as at the first token, although the call continues. Only the first lap counts. */
  lap(): void {
    const permit = this.#permit
    if (permit.start !== undefined) permit.duration ??= this.#circuit.time.now() - permit.start
  }

  /**
   * Checks periodically whether to keep waiting for the end of the answer, and releases the call if nothing reads the
   * answer and there was no sign of life. A probe is also released if its answer continues without `renew`, since it
   * keeps other probes out. A new watch replaces the previous one. A released answer goes on, so its caller can still
   * abort it.
   *
   * @returns a function that checks now.
   * @throws {TypeError | RangeError} for an invalid option.
   */
  watch(options: WatchOptions): () => void {
    const given = readOptions<WatchOptions>(
      options,
      { every: positiveOrInfinity, isRead: checkFunction, release: checkFunction },
      'watch options',
    )
    positiveOrInfinity(given.every, 'every')
    checkFunction(given.isRead, 'isRead')
    checkFunction(given.release, 'release')
    const { options: circuitOptions, userCode, time } = this.#circuit
    const every = Math.min(given.every, circuitOptions.probeTimeout / 2)
    this.#watch?.stop()
    const release = (): void => {
      this.keepSignal()
      given.release()
    }
    const watch = new Watch(this, { ...given, every, release }, userCode, time)
    this.#watch = watch
    if (this.#settled) watch.stop()
    return () => watch.check()
  }

  /** Notes a sign of life, for `watch`. */
  alive(): void {
    if (this.#watch) this.#watch.alive = true
  }

  /** Notes a sign of life that also renews the lease of a probe: its `probeTimeout` restarts. */
  renew(): void {
    if (this.#watch) this.#watch.renewed = true
    if (!this.#settled) this.#permit.renew()
  }

  /** Calls `undo` when the call is settled, immediately if it is. What it throws goes to `onListenerError`. */
  onSettled(undo: () => void): void {
    checkFunction(undo, 'undo')
    if (this.#settled) this.#run(undo)
    else this.#undos.push(undo)
  }

  /**
   * Returns the outcome that the user's `classify` gives for `value`, or else that of `otherwise`. If `classify`
   * throws, the error is reported and `otherwise` decides.
   */
  classify<T, O extends Outcome | undefined>(
    classify: ((value: T) => Outcome | undefined) | undefined,
    value: T,
    otherwise: (value: T) => O,
  ): Outcome | O {
    return this.#circuit.userCode.ask(classify, value, readOutcome) ?? otherwise(value)
  }

  readonly #abort = (): void => {
    const reason = this.#caller?.reason
    this.abandon(reason)
    this.#context?.abort(reason)
  }

  /** Settles the call. Returns false if it was settled before. */
  #settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    const read = readOutcome(outcome)
    if (this.#settled) return false
    this.#settled = true
    this.#stopTimeout?.()
    this.#watch?.stop()
    this.#caller?.leave()
    this.#permit.settle(threw, payload, read)
    for (const undo of this.#undos) this.#run(undo)
    return true
  }

  #run(undo: () => void): void {
    try {
      undo()
    } catch (error) {
      this.#circuit.userCode.report(error)
    }
  }
}
