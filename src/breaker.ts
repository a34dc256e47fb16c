import { CircuitBreakerError, wallDate } from './base/errors.ts'
import type { CircuitBreakerMode, CircuitBreakerState } from './base/state.ts'
import { callOther, callSync, isNativePromise, settleResult, settleThrow } from './calls/call.ts'
import { protector, type Protect } from './calls/decorator.ts'
import { guardedBy, type AnyFunction } from './calls/guarded.ts'
import { runTask } from './calls/run.ts'
import type {
  Bare,
  CalledWith,
  FallbackFor,
  Guarded,
  KeepsType,
  Kept,
  NoFallback,
  NotInferred,
  OneSignature,
  ParametersOf,
  RunOptions,
  Synchronous,
  SynchronousResult,
  WrapOptions,
} from './calls/signatures.ts'
import type { TaskContext } from './calls/task.ts'
import { guard, guardSync } from './calls/wrap.ts'
import { Circuit } from './core/circuit.ts'
import {
  closeManually,
  halfOpenManually,
  isolateManually,
  openManually,
  type OpenOptions,
  type TransitionOptions,
} from './core/control.ts'
import { UserPermit, type Permit } from './core/permit.ts'
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
 * Guards the calls to one dependency: rejects calls while the dependency fails, probes it after a while, and returns to
 * normal by itself.
 *
 * By itself a breaker starts no timer and does no I/O: it evaluates its state when it is used.
 *
 * @throws {TypeError | RangeError} if an option is unknown, has the wrong type or is out of range, or if options cannot
 * be combined. The message names the expected and the actual value.
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

  /**
   * @internal Returns the circuit of a breaker; `undefined` for anything that this copy of the package did not make.
   */
  static circuitOf(breaker: object): Circuit<ResolvedOptions> | undefined {
    return #circuit in breaker ? breaker.#circuit : undefined
  }

  static {
    // For `console.log` and `util.inspect`.
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: CircuitBreaker) {
        return this.#circuit.toString()
      },
    })
  }

  constructor(options: CircuitBreakerOptions = {}) {
    const given = readCircuitOptions(options)
    this.#circuit = new Circuit(this, resolveOptions(given), given)
  }

  /** The name of the breaker in logs, metrics and errors. */
  get name(): string {
    return this.#circuit.options.name
  }

  /** The state in which the next call would find the circuit. Reading it changes nothing. */
  get state(): CircuitBreakerState {
    return this.#circuit.state()
  }

  /** The number of consecutive failures since the circuit entered its current state. */
  get failCounter(): number {
    this.#circuit.readIfNeeded()
    return this.#circuit.generation.consecutive
  }

  /**
   * Milliseconds, rounded up, until a call may be admitted: 0 if it may be now, `Infinity` while isolated. While
   * half-open with all probes in flight it is a delay after which to ask again: at most 1,000.
   */
  get retryAfter(): number {
    return this.#circuit.retryAfter()
  }

  /** `retryAfter` as a date; `undefined` if that is `Infinity`. */
  get reopenTime(): Date | undefined {
    return wallDate(Date.now(), this.#circuit.retryAfter())
  }

  /** All options, with the defaults filled in; frozen. */
  get options(): ResolvedOptions {
    return this.#circuit.options
  }

  /**
   * The mode of the breaker. `'enforce'` rejects calls while the circuit is open. `'observe'` makes the same decisions
   * and reports `wouldTrip`, but rejects nothing: a safe way to introduce a breaker. `'off'` admits every call and
   * counts nothing. Setting a different mode closes the circuit and resets its counts. In `'observe'` and `'off'`,
   * manual transitions change nothing and return `false`.
   *
   * @throws {TypeError} for an unknown mode.
   */
  get mode(): CircuitBreakerMode {
    return this.#circuit.options.mode
  }

  set mode(mode: CircuitBreakerMode) {
    this.#configure(readCircuitOptions({ mode }))
  }

  /**
   * Calls `fn(...args)` through the breaker and returns its result.
   *
   * After `callTimeout` the promise rejects, but `fn` runs on because it has no signal: use {@link CircuitBreaker.run}
   * to abort the work.
   *
   * Of several overloads TypeScript infers the last: for another one, call `() => fn(...args)`. A parameter with a
   * default value needs no annotation, unless it is destructured and an argument is given for it.
   *
   * @returns a promise, always. If `fn` throws synchronously, the promise rejects with that error.
   * @throws {CircuitBreakerError} (as a rejection) if the circuit rejects the call.
   * @throws {CallTimeoutError} (as a rejection) if the call takes longer than `callTimeout`.
   * @throws {TypeError} (as a rejection) if `fn` is not a function, or returns a generator.
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
  call<A extends unknown[], R>(fn: CalledWith<A, R>, ...args: A): Promise<Awaited<R>>
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
   * Calls a synchronous function through the breaker and returns its result. `callTimeout` does not apply. A function
   * that may return a promise does not compile: use {@link CircuitBreaker.call}.
   *
   * @throws {CircuitBreakerError} if the circuit rejects the call.
   * @throws {TypeError} if `fn` is not a function, or returns a promise or a generator.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const parser = new CircuitBreaker()
   * console.log(parser.callSync(JSON.parse, '[1, 2]')) // [ 1, 2 ]
   * ```
   */
  callSync<A extends unknown[], R>(fn: CalledWith<A, SynchronousResult<R>>, ...args: A): R
  callSync(fn: AnyFunction, ...args: unknown[]): unknown {
    return callSync(this.#circuit, fn, args)
  }

  /**
   * Runs a task through the breaker. The task receives a signal that aborts when the caller's signal aborts or
   * `callTimeout` expires.
   *
   * When the caller's signal aborts, the promise rejects immediately with the signal's reason and the call is ignored;
   * if the reason is a `TimeoutError`, such as that of `AbortSignal.timeout`, the call is a failure. If the signal has
   * aborted before, the task does not run. The fallback runs for failures, including results that `classifyResult`
   * classifies as failures, for timeouts and for rejected calls, but not for ignored errors or an aborted caller.
   *
   * @throws {CircuitBreakerError} (as a rejection) if the circuit rejects the call.
   * @throws {CallTimeoutError} (as a rejection) if the task takes longer than `callTimeout`.
   * @throws {TypeError} (as a rejection) for an invalid task or option, or if the task returns a generator.
   * @throws the signal's reason (as a rejection) if the signal aborts.
   *
   * @example
   * ```ts
   * import { CircuitBreaker, exponentialBackoff } from 'recloser'
   *
   * const timeoutDuration = exponentialBackoff({ initial: 1_000, max: 60_000 })
   * const prices = new CircuitBreaker({ name: 'prices', callTimeout: 2_000, timeoutDuration })
   * const price = await prices.run(
   *   async ({ signal }) => {
   *     const response = await fetch('http://localhost:1/price', { signal })
   *     if (!response.ok) throw new Error(`HTTP ${response.status}`)
   *     return response.text()
   *   },
   *   { fallback: () => 'unknown' },
   * )
   * console.log(price) // unknown
   * ```
   */
  run<R, F = never>(
    task: (context: TaskContext) => R,
    options?: RunOptions<F>,
  ): Promise<Awaited<R> | Awaited<F>>
  run(task: (context: TaskContext) => unknown, options?: RunOptions<unknown>): Promise<unknown> {
    return runTask(this.#circuit, task, options)
  }

  /**
   * Returns a guarded version of `fn`, with the same parameters, `this`, `name` and `length`, that returns a promise.
   *
   * A generator or async generator function returns a guarded generator. It is admitted at the first `next()` and
   * settled when it ends; if its consumer ends it early, the call is ignored. Such a call is never slow, and
   * `callTimeout` and `fallback` do not apply.
   *
   * A function that returns a promise or a generator keeps its type, with its type parameters and overloads. One that
   * returns something else, or a promise with methods of its own, returns a plain promise; then, and with a fallback,
   * TypeScript keeps only the last of several overloads. Properties of `fn` are not copied, and the type has none.
   *
   * @throws {TypeError} if `fn` is not a function, for an invalid option, or for a generator function with a fallback.
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
  wrap<F extends Function>(fn: F & KeepsType<F>, options?: NoFallback): Kept<F>
  /**
   * Returns a guarded version of `fn`, with the same parameters, `this`, `name` and `length`. It returns a promise of
   * the result of `fn`, or of what the fallback returns.
   *
   * @throws {TypeError} if `fn` is not a function, for an invalid option, or for a generator function with a fallback.
   */
  wrap<F extends Function, B = never>(
    fn: F & OneSignature<F>,
    options?: WrapOptions<ThisParameterType<F>, ParametersOf<F>, B>,
  ): Guarded<F, B>
  /**
   * Returns a guarded version of `fn`, with the same parameters, `this`, `name` and `length`. It returns a promise of
   * the result of `fn`, or of what the fallback returns. A generic function stays generic. TypeScript keeps only the
   * last of several overloads.
   *
   * @throws {TypeError} if `fn` is not a function, for an invalid option, or for a generator function with a fallback.
   */
  wrap<This, A extends unknown[], R, B = never>(
    fn: (this: This, ...args: A) => R,
    options?: WrapOptions<This, NotInferred<A>, B> & FallbackFor<R>,
  ): (this: This, ...args: A) => Promise<Awaited<R> | Awaited<B>>
  wrap(fn: AnyFunction, options: { fallback?: AnyFunction | undefined } = {}): AnyFunction {
    return guard(this.#circuit, fn, options)
  }

  /**
   * Returns a guarded version of a synchronous function, with the same type, `this`, `name` and `length`. Properties of
   * `fn` are not copied, and the type has none. `callTimeout` does not apply. The guarded function throws as
   * {@link CircuitBreaker.callSync} does.
   *
   * @throws {TypeError} if `fn` is not a function.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const parse = new CircuitBreaker().wrapSync((text: string) => Number(text))
   * console.log(parse('42')) // 42
   * ```
   */
  wrapSync<F extends Function>(fn: F & Synchronous<F>): Bare<F>
  wrapSync(fn: AnyFunction): AnyFunction {
    return guardSync(this.#circuit, fn)
  }

  /**
   * Method decorator that guards a method, both as a standard decorator and with `experimentalDecorators`. The method
   * must return a promise or a generator. All instances share this breaker. The first call through this breaker that a
   * method makes before anything asynchronous, such as of another protected method, counts with it as one.
   *
   * @throws {TypeError} if its target is not a method.
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
   * Acquires permission for one call that you execute and settle yourself, with `success`, `failure` or `ignore`.
   *
   * @throws {CircuitBreakerError} if the circuit rejects the call.
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
    return new UserPermit(permit)
  }

  /**
   * Acquires permission for one call, as {@link CircuitBreaker.acquire} does, but returns `undefined` if the circuit
   * rejects it.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * breaker.isolate()
   * console.log(breaker.tryAcquire()) // undefined
   * ```
   */
  tryAcquire(): Permit | undefined {
    const permit = this.#circuit.admit([])
    return permit instanceof CircuitBreakerError ? undefined : new UserPermit(permit)
  }

  /**
   * Opens the circuit manually. It becomes half-open after its open time, as after any other opening. If the circuit is
   * already open, only its open time restarts, and a given reason replaces the previous one.
   *
   * @returns whether the state changed.
   * @throws {TypeError | RangeError} for an invalid option, such as `for: Infinity`: use `isolate()` for that.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * console.log(breaker.open({ for: 30_000, reason: 'deploying' }), breaker.state) // true open
   * ```
   */
  open(options: OpenOptions = {}): boolean {
    return openManually(this.#circuit, options)
  }

  /**
   * Makes the circuit half-open now, so that it admits probes.
   *
   * @param reason why, for events and snapshots, or an object with it. Default `'manual'`.
   * @returns whether the state changed.
   * @throws {TypeError} if the reason is not a string.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * breaker.open()
   * console.log(breaker.halfOpen('the dependency is back'), breaker.state) // true half-open
   * ```
   */
  halfOpen(reason?: string | TransitionOptions): boolean {
    return halfOpenManually(this.#circuit, reason)
  }

  /**
   * Closes the circuit and resets its counts and its escalation, even if it is already closed.
   *
   * @param reason why, for events and snapshots, or an object with it. Default `'manual'`.
   * @returns whether the state changed.
   * @throws {TypeError} if the reason is not a string.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * breaker.isolate()
   * console.log(breaker.close(), breaker.state) // true closed
   * ```
   */
  close(reason?: string | TransitionOptions): boolean {
    return closeManually(this.#circuit, reason)
  }

  /**
   * Isolates the dependency: rejects every call until `close()`, however long that takes.
   *
   * @param reason why, for events and snapshots, or an object with it. Default `'manual'`.
   * @returns whether the state changed.
   * @throws {TypeError} if the reason is not a string.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * console.log(breaker.isolate('maintenance'), breaker.retryAfter) // true Infinity
   * ```
   */
  isolate(reason?: string | TransitionOptions): boolean {
    return isolateManually(this.#circuit, reason)
  }

  /**
   * Changes options at run time. All of them are validated before any is changed. Counts are kept where the new rule
   * counts the same calls. The current open time, half-open period and probe leases keep the options that they started
   * with. `failMax` replaces `trip` and vice versa, the parts of `halfOpen` that are left out stay as they were given,
   * and `null` sets an option back to its default. Values that are in force already change nothing.
   *
   * @throws {TypeError | RangeError} as the constructor does, and for new values of options that cannot be changed:
   * `name`, `clock`, `random`, `restore`, `listeners`, and those of the `storage`.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker({ failMax: 5 })
   * breaker.configure({ failMax: 3, timeoutDuration: 10_000 })
   * console.log(breaker.options.failMax) // 3
   * ```
   */
  configure(patch: CircuitBreakerPatch): void {
    this.#configure(readPatch(patch))
  }

  // Not `configure`, which a subclass may override: that must not change what `mode` does. The same holds everywhere.
  #configure(given: CircuitBreakerOptions): void {
    this.#circuit.configure((before) => patchOptions(before, given))
  }

  /**
   * Adds a listener. Adding the same object again has no effect.
   *
   * @returns a Disposable that removes the listener.
   * @throws {TypeError} if `listener` has no listener method, or one whose name is misspelled.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   *
   * const breaker = new CircuitBreaker()
   * breaker.addListener({ stateChange: ({ from, to }) => console.log(`${from} → ${to}`) })
   * breaker.isolate() // prints: closed → isolated
   * ```
   */
  addListener(listener: CircuitBreakerListener): Disposable {
    checkListener(listener, 'listener')
    this.#circuit.listeners.add(listener)
    this.#circuit.prepare()
    return { [Symbol.dispose]: () => this.#remove(listener) }
  }

  /** Removes a listener. Has no effect if it was not added. */
  removeListener(listener: CircuitBreakerListener): void {
    this.#remove(listener)
  }

  #remove(listener: CircuitBreakerListener): void {
    this.#circuit.listeners.remove(listener)
    this.#circuit.prepare()
  }

  /**
   * Resolves when a call may be admitted. It reserves nothing: another caller may be faster. It waits on a timer, which
   * keeps the process alive, as a call does that has a `callTimeout`; no other timer of this library does.
   *
   * @throws the signal's reason (as a rejection) if the signal aborts first.
   * @throws {TypeError} (as a rejection) for an invalid option.
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
   * Sends unsent counts to the fleet now, and returns unused probe leases. Call it before a process exits, or before a
   * serverless function is frozen. Without a `storage` it does nothing. It never rejects.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   * import { MemoryStorage } from 'recloser/storage'
   *
   * const breaker = new CircuitBreaker({ name: 'payments', storage: new MemoryStorage() })
   * await breaker.call(() => 'charged')
   * await breaker.flush()
   * ```
   */
  async flush(): Promise<void> {
    await this.#circuit.member?.flush()
  }

  /** Calls {@link CircuitBreaker.flush}, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#circuit.member?.flush()
  }

  /**
   * Returns the current state and counts as frozen, JSON-safe data. The option `restore` takes it back.
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

  /** Returns {@link CircuitBreaker.snapshot}, for `JSON.stringify`. */
  toJSON(): CircuitBreakerSnapshot {
    return this.#circuit.snapshot()
  }

  /** Returns one readable line, such as `CircuitBreaker payments: open (failureRate), retry in 4.2 s`. */
  toString(): string {
    return this.#circuit.toString()
  }
}
