import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import { CallTimeoutError, CircuitBreakerError } from '../base/errors.ts'
import { isThenable } from '../base/outcome.ts'
import type { CallPermit } from '../core/permit.ts'
import type { Outcome } from '../base/state.ts'
import { isObject, tagOf } from '../base/validate.ts'

/** The argument of a task. */
export interface TaskContext {
  /**
   * Aborts when the caller's signal aborts or `callTimeout` expires. It is created when it is first read. Without a
   * `callTimeout` it is the caller's own signal.
   */
  readonly signal: AbortSignal
}

/** Returns a replacement for the result of a call that failed, timed out or was rejected. */
export type Fallback<T> = (error: unknown) => T

const SOON = Promise.resolve()

export class Context implements TaskContext {
  readonly #caller: AbortSignal | undefined
  readonly #timed: boolean
  #controller: AbortController | undefined
  #signal: AbortSignal | undefined
  #timeout: CallTimeoutError | undefined

  constructor(caller: AbortSignal | undefined, timed: boolean) {
    this.#caller = caller
    this.#timed = timed
  }

  get signal(): AbortSignal {
    const caller = this.#caller
    if (caller && !this.#timed) return caller
    if (!this.#signal) {
      const controller = (this.#controller = new AbortController())
      if (this.#timeout) controller.abort(this.#timeout)
      // Ours comes first: some engines determine the reason only when it is read, from the first signal that has
      // aborted.
      this.#signal = caller ? AbortSignal.any([controller.signal, caller]) : controller.signal
    }
    return this.#signal
  }

  abort(timeout: CallTimeoutError): void {
    this.#timeout = timeout
    this.#controller?.abort(timeout)
  }
}

/**
 * Runs one call that may have a timeout, a signal, a fallback and listeners. The result, the timeout or the abort
 * settles it, whichever comes first; what comes later has no effect.
 */
export function runTracked<T, F = never>(
  circuit: Circuit,
  begin: (context: TaskContext) => T | PromiseLike<T>,
  args: readonly unknown[],
  signal?: AbortSignal,
  fallback?: Fallback<F | PromiseLike<F>>,
): Promise<T | F> {
  if (signal?.aborted) return Promise.reject(signal.reason)
  const admit = (): Promise<T | F> => {
    const permit = circuit.admit(args)
    return permit instanceof CircuitBreakerError
      ? recover(permit, fallback, signal)
      : supervise(circuit, permit, begin, signal, fallback)
  }
  const attempt = (): Promise<T | F> => {
    const lease = circuit.awaitLease(signal)
    if (!lease) return admit()
    return lease.then(() => {
      if (signal?.aborted) throw signal.reason
      return admit()
    })
  }
  return callChannel?.hasSubscribers
    ? callChannel.tracePromise(attempt, { breaker: circuit.breaker, args })
    : attempt()
}

function supervise<T, F>(
  { options: { name, callTimeout }, time }: Circuit,
  permit: CallPermit,
  begin: (context: TaskContext) => T | PromiseLike<T>,
  signal: AbortSignal | undefined,
  fallback: Fallback<F | PromiseLike<F>> | undefined,
): Promise<T | F> {
  return new Promise<T | F>((resolve, reject) => {
    const context = new Context(signal, callTimeout < Infinity)
    let stopTimer: (() => void) | undefined
    let timeout: CallTimeoutError | undefined
    let ended = false
    /** Returns true once: for the first of the result, the timeout and the abort. */
    const end = (): boolean => {
      if (ended) return false
      stopTimer?.()
      signal?.removeEventListener('abort', abort)
      return (ended = true)
    }
    const succeed = (value: T): void => {
      if (!end()) return
      permit.settle(false, value)
      resolve(value)
    }
    const fail = (error: unknown, outcome?: Outcome): void => {
      if (!end()) return
      permit.settle(true, error, outcome)
      if (timeout) context.abort(timeout)
      const failure = permit.tripError ?? error
      if (permit.outcome === 'failure') resolve(recover(failure, fallback, signal))
      else reject(failure)
    }
    const abort = (): void => {
      if (!end()) return
      const reason: unknown = signal?.reason
      permit.settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')
      reject(reason)
    }
    const expire = (): void => fail((timeout = new CallTimeoutError(name, callTimeout)), 'failure')
    try {
      if (signal?.aborted) return abort() // aborted by a `beforeCall` listener
      signal?.addEventListener('abort', abort)
      if (callTimeout < Infinity) stopTimer = time.startTimer(callTimeout, expire, false)
      // A thenable may do its work in `then`, so that is part of the call too.
      const result = permit.run(() => {
        const given = begin(context)
        return isThenable(given) ? adopt(() => given) : given
      })
      if (isThenable(result)) result.then(succeed, (error: unknown) => fail(error))
      else if (isGenerator(result)) fail(generatorError(), 'ignored')
      else succeed(result)
    } catch (error) {
      fail(error)
    }
  })
}

/** Runs the fallback. Rejects early if the caller aborts. */
function recover<F>(
  error: unknown,
  fallback: Fallback<F | PromiseLike<F>> | undefined,
  signal: AbortSignal | undefined,
): Promise<F> {
  if (!fallback) return rejectSoon(error)
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal?.reason)
    if (signal?.aborted) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    const end = (): void => signal?.removeEventListener('abort', abort)
    adopt(() => fallback(error))
      .finally(end)
      .then(resolve, reject)
  })
}

/**
 * Returns a promise that rejects in the next microtask, when the caller has attached its handler. Engines take several
 * times as long for a promise that is rejected without a handler, since they track it as unhandled and then as handled.
 */
function rejectSoon(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => void SOON.then(() => reject(error)))
}

/** Returns a promise for what `make` returns or throws. It settles once, even for a misbehaving thenable. */
export function adopt<T>(make: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(make()))
}

/** Whether an abort reason is the `TimeoutError` of `AbortSignal.timeout`. */
export function isTimeout(reason: unknown): boolean {
  try {
    return tagOf(reason) === 'DOMException' && (reason as Error).name === 'TimeoutError'
  } catch {
    return false
  }
}

export function isGenerator(value: unknown): boolean {
  return isObject(value) && /^(Async)?Generator$/.test(tagOf(value))
}

export function generatorError(): TypeError {
  return new TypeError(
    'Expected a result or a promise, got a generator object, whose work has yet to begin. ' +
      'Guard a generator function instead: breaker.wrap(function* () { yield* fn() })',
  )
}
