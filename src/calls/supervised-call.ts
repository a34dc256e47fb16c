import type { Circuit } from '../core/circuit.ts'
import { CallTimeoutError, CircuitBreakerError } from '../base/errors.ts'
import { readOutcome } from '../base/outcome.ts'
import type { CallPermit } from '../core/permit.ts'
import type { Outcome } from '../base/state.ts'
import { startTimer } from '../base/timer.ts'
import { checkFunction, positiveOrInfinity, readOptions } from '../base/validate.ts'
import { adopt, Context, isTimeout } from './task.ts'
import { Watch, type WatchOptions } from './watch.ts'

/**
 * One call under a permit, judged exactly once: whatever comes first settles it, what comes later has no effect. It
 * ends by itself at `callTimeout` and when its caller aborts; all else is for the adapter that makes the call to say.
 *
 * An adapter settles each call in the end, also if nobody reads the answer: that is what `watch` is for.
 */
export class SupervisedCall {
  readonly #circuit: Circuit
  readonly #permit: CallPermit
  readonly #signal: AbortSignal | undefined
  readonly #undos: (() => void)[] = []
  #settled = false
  #stopTimeout: (() => void) | undefined
  #watch: Watch | undefined

  /** @internal Throws a `CircuitBreakerError` if the circuit does not admit the call. */
  constructor(circuit: Circuit, signal?: AbortSignal) {
    const permit = circuit.admit([])
    if (permit instanceof CircuitBreakerError) throw permit
    this.#circuit = circuit
    this.#permit = permit
    this.#signal = signal
    signal?.addEventListener('abort', this.#abort)
    if (signal?.aborted) this.#abort()
  }

  /** Whether the call has been judged. */
  get settled(): boolean {
    return this.#settled
  }

  /** Whether the caller has given up by its signal. */
  get aborted(): boolean {
    return this.#signal?.aborted ?? false
  }

  /** Whether the call is a probe, so that others wait for what becomes of it. */
  get isProbe(): boolean {
    return this.#permit.deadline !== undefined
  }

  /**
   * Calls `send` with the caller's signal. Where there is a `callTimeout`, that signal also aborts when it has passed;
   * then the promise rejects, `expire` runs, and the signal aborts, in this order. What `send` throws at once is a
   * rejection.
   */
  send<T>(
    send: (signal: AbortSignal | undefined) => T | PromiseLike<T>,
    expire?: (error: CallTimeoutError) => void,
  ): Promise<T> {
    if (this.#circuit.options.callTimeout === Infinity) return adopt(() => send(this.#signal))
    const context = new Context(this.#signal, true)
    return new Promise((resolve, reject) => {
      this.startTimeout((error) => {
        reject(error)
        expire?.(error)
        context.abort(error)
      })
      adopt(() => send(context.signal)).then(resolve, reject)
    })
  }

  /**
   * Calls `expire` when `callTimeout` has passed, unless `stopTimeout` was called or the answer `hasBegun`. The call is
   * a failure by then. A limit takes the place of the one before.
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
    this.#stopTimeout = startTimer(callTimeout, late, false)
  }

  /** The answer has begun: `callTimeout` limits the call no longer. */
  stopTimeout(): void {
    this.#stopTimeout?.()
  }

  /** The call succeeded, unless `outcome` or the breaker's `classifyResult` says otherwise. */
  succeed(value?: unknown, outcome?: Outcome): void {
    this.#settle(false, value, outcome)
  }

  /**
   * The call failed, unless its caller aborted it, or `outcome` or the breaker's options say otherwise.
   *
   * @returns the error for the caller: `error` itself, or the circuit's if this call opened it, under `errorOnTrip`.
   */
  fail(error: unknown, outcome?: Outcome): unknown {
    if (this.aborted) this.#abort()
    else this.#settle(true, error, outcome)
    return this.#permit.tripError ?? error
  }

  /** The call says nothing about the dependency. */
  ignore(): void {
    this.succeed(undefined, 'ignored')
  }

  /**
   * The caller gave up: ignored, unless `reason` is the `TimeoutError` of `AbortSignal.timeout`, which is a failure.
   */
  abandon(reason: unknown): void {
    this.#settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')
  }

  /** The call goes at the pace of its consumer: it is never slow, however long it takes. */
  pace(): void {
    this.#permit.paced = true
  }

  /** The call took until now, such as to its first token, however long it goes on. Only the first lap counts. */
  lap(): void {
    const permit = this.#permit
    if (permit.start !== undefined) permit.duration ??= this.#circuit.time.now() - permit.start
  }

  /**
   * Looks every so often whether to wait on for the end of the answer, and releases the call if nobody reads it and it
   * shows no sign of life. A probe whose answer goes on without being renewed is released too: it keeps all others out.
   * A watch takes the place of the one before.
   *
   * @returns a function that looks now.
   * @throws {TypeError | RangeError} for a bad option.
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
    const { options: circuitOptions, userCode } = this.#circuit
    const every = Math.min(given.every, circuitOptions.probeTimeout / 2)
    this.#watch?.stop()
    const watch = new Watch(this, { ...given, every }, userCode)
    this.#watch = watch
    if (this.#settled) watch.stop()
    return () => watch.check()
  }

  /** A sign of life, for `watch`. */
  alive(): void {
    if (this.#watch) this.#watch.alive = true
  }

  /** A sign of life by which a probe keeps its place: its `probeTimeout` begins anew. */
  renew(): void {
    if (this.#watch) this.#watch.renewed = true
    if (!this.#settled) this.#permit.renew()
  }

  /** Calls `undo` when the call is settled; at once if it is. What it throws goes to `onListenerError`. */
  onSettled(undo: () => void): void {
    checkFunction(undo, 'undo')
    if (this.#settled) this.#run(undo)
    else this.#undos.push(undo)
  }

  /**
   * What `classify` says of `value`, or else `otherwise`. If it throws, that is reported and the call is to be ignored.
   */
  classify<T, O extends Outcome | undefined>(
    classify: ((value: T) => Outcome | undefined) | undefined,
    value: T,
    otherwise: (value: T) => O,
  ): Outcome | O {
    try {
      return readOutcome(classify?.(value)) ?? otherwise(value)
    } catch (error) {
      this.#circuit.userCode.report(error)
      return 'ignored'
    }
  }

  readonly #abort = (): void => this.abandon(this.#signal?.reason)

  /** Returns whether nothing had settled the call before. */
  #settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    const read = readOutcome(outcome)
    if (this.#settled) return false
    this.#settled = true
    this.#stopTimeout?.()
    this.#watch?.stop()
    this.#signal?.removeEventListener('abort', this.#abort)
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
