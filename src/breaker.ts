import { CircuitBreakerError, wallDate } from './base/errors.ts'
import type { CircuitBreakerMode, CircuitBreakerState } from './base/state.ts'
import { callOther, callSync, isNativePromise, settleResult, settleThrow } from './calls/call.ts'
import { protector, type Protect } from './calls/decorator.ts'
import { guardedBy, type AnyFunction } from './calls/guarded.ts'
import { runTask } from './calls/run.ts'
import type { FallbackFor, Guarded, RunOptions, Synchronous, WrapOptions } from './calls/signatures.ts'
import type { TaskContext } from './calls/task.ts'
import { guard, guardSync } from './calls/wrap.ts'
import { Circuit } from './core/circuit.ts'
import { closeByHand, halfOpenByHand, isolateByHand, openByHand, type OpenOptions } from './core/control.ts'
import type { Permit } from './core/permit.ts'
import { whenReady, type ReadyOptions } from './core/ready.ts'
import type { CircuitBreakerSnapshot } from './core/snapshot.ts'
import { callChannel } from './events/diagnostics.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import {
  patchOptions,
  readCircuitOptions,
  readPatch,
  resolveOptions,
  type CircuitBreakerOptions,
  type CircuitBreakerPatch,
  type ResolvedOptions,
} from './options.ts'

/**
 * Guards the calls of one dependency: stops calling it when it fails, lets a probe through when some time has passed,
 * and goes back to normal by itself.
 *
 * It costs no timer and no I/O. Everything it decides, it decides when it is asked.
 *
 * @throws {TypeError | RangeError} for an option that is unknown, of the wrong type or out of range, or a combination
 * that cannot work; the message says what was expected and what was got.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 *
 * const payments = new CircuitBreaker({ name: 'payments', failMax: 3, timeoutDuration: 5_000 })
 * const charge = async (cents: number) => `charged ${cents}`
 *
 * console.log(await payments.call(charge, 1_200)) // charged 1200
 * ```
 */
export class CircuitBreaker {
  readonly #circuit: Circuit<ResolvedOptions>

  /** @internal What is behind a breaker; `undefined` if it is none, or one of another copy of this package. */
  static circuitOf(breaker: object): Circuit | undefined {
    return #circuit in breaker ? breaker.#circuit : undefined
  }

  constructor(options: CircuitBreakerOptions = {}) {
    const given = readCircuitOptions(options)
    this.#circuit = new Circuit(this, resolveOptions(given), given)
  }

  /** For logs, metrics and errors. */
  get name(): string {
    return this.#circuit.options.name
  }

  /** The state that the next call would meet. Reading it changes nothing. */
  get state(): CircuitBreakerState {
    return this.#circuit.state()
  }

  /** Consecutive failures in the current period. */
  get failCounter(): number {
    this.#circuit.readIfNeeded()
    return this.#circuit.generation.consecutive
  }

  /**
   * Whole milliseconds, rounded up, until a call may be admitted: 0 now, `Infinity` while isolated. While half-open with
   * all places taken it is a hint: the time until the oldest probe must have answered.
   */
  get retryAfter(): number {
    return this.#circuit.retryAfter()
  }

  /** The same as `retryAfter` as a date of the wall clock; `undefined` where that is not finite. */
  get reopenTime(): Date | undefined {
    return wallDate(Date.now(), this.retryAfter)
  }

  /** The options with their defaults filled in; frozen. */
  get options(): ResolvedOptions {
    return this.#circuit.options
  }

  /**
   * `'enforce'` by default. `'observe'` decides and reports `wouldTrip` but rejects nothing: the safe way to introduce a
   * breaker. `'off'` passes everything and records nothing. Setting another mode closes the circuit and begins anew;
   * out of `'enforce'`, manual transitions change nothing and return `false`.
   */
  get mode(): CircuitBreakerMode {
    return this.#circuit.options.mode
  }

  set mode(mode: CircuitBreakerMode) {
    this.configure({ mode })
  }

  /**
   * Runs `fn(...args)` through the breaker. The result and the error are the function's own.
   *
   * A `callTimeout` ends the wait but cannot end `fn`, which knows no signal: that is what {@link CircuitBreaker.run} is for.
   *
   * @returns a promise, always: what `fn` throws at once is a rejection too.
   * @throws {CircuitBreakerError} (as a rejection) if the circuit does not let the call through.
   * @throws {CallTimeoutError} (as a rejection) if it takes longer than `callTimeout`.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * const area = (width: number, height: number) => width * height
   * console.log(await breaker.call(area, 6, 7)) // 42
   * ```
   */
  call<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Promise<Awaited<R>>
  call(fn: AnyFunction, ...args: unknown[]): Promise<unknown> {
    const circuit = this.#circuit
    const isDirect = typeof fn === 'function' && !guardedBy(circuit, fn) && !callChannel?.hasSubscribers
    const call = isDirect ? circuit.fastPath?.admit() : undefined
    if (call === undefined) return callOther(circuit, fn, ...args)
    try {
      const result = fn(...args)
      return isNativePromise(result)
        ? result.then(call.onFulfilled, call.onRejected)
        : settleResult(call, result)
    } catch (error) {
      return settleThrow(call, error)
    }
  }

  /**
   * The same as {@link CircuitBreaker.call} for a synchronous function. There is no `callTimeout`.
   *
   * @throws {CircuitBreakerError} if the circuit does not let the call through.
   * @throws {TypeError} if `fn` is no function, or returns a promise or a generator.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const parser = new CircuitBreaker()
   * console.log(parser.callSync(JSON.parse, '[1, 2]')) // [ 1, 2 ]
   * ```
   */
  callSync<A extends unknown[], R>(fn: ((...args: A) => R) & Synchronous<R>, ...args: A): R
  callSync(fn: AnyFunction, ...args: unknown[]): unknown {
    return callSync(this.#circuit, fn, args)
  }

  /**
   * Runs a task that can be aborted. Its signal aborts when the caller's does and when `callTimeout` passes.
   *
   * When the caller's signal aborts, the promise rejects at once with the signal's reason, and the call is ignored; if
   * the reason is the `TimeoutError` of `AbortSignal.timeout`, it is a failure. The fallback runs for failures,
   * time-outs and rejections; never for ignored errors or an aborted caller.
   *
   * @throws {CircuitBreakerError} (as a rejection) if the circuit does not let the call through.
   * @throws {CallTimeoutError} (as a rejection) if it takes longer than `callTimeout`.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const prices = new CircuitBreaker({ name: 'prices', callTimeout: 500 })
   * const price = await prices.run(
   *   async ({ signal }) => (await fetch('http://localhost:1/price', { signal })).text(),
   *   { fallback: () => 'unknown' },
   * )
   * console.log(price) // unknown
   * ```
   */
  run<R, F = never>(
    task: (context: TaskContext) => R,
    options?: RunOptions<F>,
  ): Promise<Awaited<R> | Awaited<F>>
  run(task: (context: TaskContext) => unknown, options: RunOptions<unknown> = {}): Promise<unknown> {
    return runTask(this.#circuit, task, options)
  }

  /**
   * A guarded form of `fn` with the same parameters, `this`, `name` and `length`, which returns a promise.
   *
   * A generator or async generator function stays what it is: it is admitted at the first `next()` and judged at its
   * end; a consumer that ends it early is ignored. It is never slow and knows neither `callTimeout` nor `fallback`.
   *
   * Of an overloaded function the last overload is kept; a generic one stays generic if it has no fallback.
   *
   * @throws {TypeError} if `fn` is no function, or a generator function with a fallback.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * const greet = breaker.wrap(async (name: string) => `Hello ${name}`, { fallback: () => 'Hello' })
   * console.log(await greet('Ada')) // Hello Ada
   * ```
   */
  wrap<This, A extends unknown[], R, F = never>(
    fn: (this: This, ...args: A) => R,
    options?: WrapOptions<This, A, F> & FallbackFor<R>,
  ): (this: This, ...args: A) => Guarded<R, F>
  wrap(fn: AnyFunction, options: { fallback?: AnyFunction } = {}): AnyFunction {
    return guard(this.#circuit, fn, options)
  }

  /** The same as {@link CircuitBreaker.wrap} for a synchronous function: it throws and returns at once. */
  wrapSync<This, A extends unknown[], R>(
    fn: ((this: This, ...args: A) => R) & Synchronous<R>,
  ): (this: This, ...args: A) => R
  wrapSync(fn: AnyFunction): AnyFunction {
    return guardSync(this.#circuit, fn)
  }

  /**
   * Method decorator, for the standard decorators and for `experimentalDecorators` alike. The method must return a
   * promise or a generator; all instances share this breaker, and `this` is the instance of each call.
   *
   * @example
   * ```ts decorators
   * import { CircuitBreaker } from 'recloser'
   *
   * const payments = new CircuitBreaker({ name: 'payments' })
   * class Client {
   *   @payments.protect
   *   async charge(cents: number) {
   *     return `charged ${cents}`
   *   }
   * }
   * console.log(await new Client().charge(1_200)) // charged 1200
   * ```
   */
  get protect(): Protect {
    return protector(this.#circuit)
  }

  /**
   * Leave for one call that you make and judge yourself: settle the permit with `success`, `failure` or `ignore`.
   *
   * @throws {CircuitBreakerError} if the circuit does not let the call through.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * const permit = breaker.acquire()
   * console.log(permit.failure(new Error('cut off')), breaker.failCounter) // true 1
   * ```
   */
  acquire(): Permit {
    const permit = this.#circuit.admit([])
    if (permit instanceof CircuitBreakerError) throw permit
    return permit
  }

  /** The same as {@link CircuitBreaker.acquire}, but returns `undefined` where that throws. */
  tryAcquire(): Permit | undefined {
    const permit = this.#circuit.admit([])
    return permit instanceof CircuitBreakerError ? undefined : permit
  }

  /**
   * Opens the circuit by hand; it probes when the time has passed, like any opening. If it is open already, only the
   * deadline is set anew.
   *
   * @returns whether the state changed.
   * @throws {TypeError | RangeError} for a bad option; `for: Infinity` is `isolate()`.
   */
  open(options: OpenOptions = {}): boolean {
    return openByHand(this.#circuit, options)
  }

  /** Lets probes through now. Returns whether the state changed. */
  halfOpen(reason?: string): boolean {
    return halfOpenByHand(this.#circuit, reason)
  }

  /** Closes the circuit; counts and escalation begin anew, also if it was closed. Returns whether the state changed. */
  close(reason?: string): boolean {
    return closeByHand(this.#circuit, reason)
  }

  /** Rejects every call until `close()`, whatever time passes. Returns whether the state changed. */
  isolate(reason?: string): boolean {
    return isolateByHand(this.#circuit, reason)
  }

  /**
   * Changes options while running. All are checked before any is changed. Counts are kept where the new rule looks at
   * the same calls; a running open time, half-open period and lease keep what they began with. `failMax` replaces
   * `trip` and the reverse.
   *
   * @throws {TypeError | RangeError} as the constructor does, and for `name`, `clock`, `random`, `restore`, `listeners`
   * and all that concerns the `storage`, which cannot be changed.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker({ failMax: 5 })
   * breaker.configure({ failMax: 3, timeoutDuration: 10_000 })
   * ```
   */
  configure(patch: CircuitBreakerPatch): void {
    const given = readPatch(patch)
    this.#circuit.configure((before) => patchOptions(before, given))
  }

  /** Adds a listener, once. Returns what removes it again. */
  addListener(listener: CircuitBreakerListener): Disposable {
    checkListener(listener, 'listener')
    this.#circuit.listeners.add(listener)
    this.#circuit.prepare()
    return { [Symbol.dispose]: () => this.removeListener(listener) }
  }

  removeListener(listener: CircuitBreakerListener): void {
    this.#circuit.listeners.remove(listener)
    this.#circuit.prepare()
  }

  /**
   * Resolves when a call may be admitted, but reserves nothing: another caller may be quicker. It waits on a timer,
   * the only one of this library that keeps the process alive.
   *
   * @throws the signal's reason (as a rejection) when it aborts first.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * breaker.open({ for: 10 })
   * await breaker.ready({ signal: AbortSignal.timeout(1_000) })
   * console.log(breaker.state) // half-open
   * ```
   */
  ready(options: ReadyOptions = {}): Promise<void> {
    return whenReady(this.#circuit, options)
  }

  /**
   * Tells the fleet now what it has not been told yet, and gives back probes that nobody has used: for the end of a
   * process or of a function that will be frozen. Nothing to do without a `storage`; it never rejects.
   */
  async flush(): Promise<void> {
    await this.#circuit.member?.flush()
  }

  /** The same as {@link CircuitBreaker.flush}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.flush()
  }

  /**
   * What the breaker looks like now: frozen, JSON-safe data, which the option `restore` takes back.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const before = new CircuitBreaker({ name: 'payments' })
   * before.isolate('maintenance')
   * const saved = JSON.stringify(before.snapshot())
   *
   * const after = new CircuitBreaker({ name: 'payments', restore: JSON.parse(saved) })
   * console.log(after.state, after.snapshot().tripReason) // isolated maintenance
   * ```
   */
  snapshot(): CircuitBreakerSnapshot {
    return this.#circuit.snapshot()
  }
}
