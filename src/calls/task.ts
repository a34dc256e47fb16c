import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import { CallTimeoutError, CircuitBreakerError, FailedResultError } from '../base/errors.ts'
import { onMicrotask } from '../base/microtask.ts'
import { isThenable } from '../base/outcome.ts'
import type { CallPermit } from '../core/permit.ts'
import { isTimeout, type Caller } from '../base/signal.ts'
import type { Outcome } from '../base/state.ts'
import { isObject, tagOf } from '../base/validate.ts'

/** The argument of a task. */
export interface TaskContext {
  /**
   * Aborts when the caller's signal aborts or `callTimeout` expires, with the same reason. It is created when it is
   * first read. Without a `callTimeout` it is the caller's own signal.
   *
   * With a `callTimeout` it follows the caller's signal only until the call ends, so that nothing of the call is kept
   * longer. To let the caller abort what goes on afterwards, such as the body of a response, use the caller's signal.
   */
  readonly signal: AbortSignal
}

/** Returns a replacement for the result of a call that failed, timed out or was rejected. */
export type Fallback<T> = (error: unknown) => T

export class Context implements TaskContext {
  readonly #caller: AbortSignal | undefined
  #controller: AbortController | undefined
  #aborted = false
  #reason: unknown

  /** @param caller given if nothing else can abort the task, which then receives the caller's own signal */
  constructor(caller?: AbortSignal) {
    this.#caller = caller
  }

  get signal(): AbortSignal {
    if (this.#caller) return this.#caller
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The controller of the task's signal, if that has been read. */
  get controller(): AbortController | undefined {
    return this.#controller
  }

  abort(reason: unknown): void {
    this.#aborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

/** What a call runs. */
type Body<T> = (context: TaskContext, permit: CallPermit) => T | PromiseLike<T>

/** Returns what a call of `fn` runs: a method knows the calls of the same breaker that it makes synchronously. */
export function bodyOf<T>(isMethod: boolean, fn: (context: TaskContext) => T): Body<T> {
  return isMethod ? (context, permit) => permit.enclose(() => fn(context)) : fn
}

/** What may end a call before its function does, and what may replace its result. */
export interface CallLimits<F> {
  /** The caller's signal. */
  readonly signal?: AbortSignal | undefined
  /** Follows that signal until the call ends. */
  readonly caller?: Caller | undefined
  /** Replaces the `callTimeout` of the breaker. */
  readonly callTimeout?: number | undefined
  readonly fallback?: Fallback<F | PromiseLike<F>> | undefined
}

/**
 * Runs one call that may have a timeout, a signal, a fallback and listeners. The result, the timeout or the abort
 * settles it, whichever comes first; what comes later has no effect.
 */
export function runTracked<T, F = never>(
  circuit: Circuit,
  begin: Body<T>,
  args: readonly unknown[],
  limits: CallLimits<F> = {},
): Promise<T | F> {
  const { signal, caller } = limits
  const admit = (): Promise<T | F> => {
    if (caller?.aborted) return Promise.reject(caller.reason)
    const permit = circuit.admit(args)
    return permit instanceof CircuitBreakerError
      ? recover(circuit, permit, limits)
      : supervise(circuit, permit, begin, limits)
  }
  const attempt = (): Promise<T | F> => {
    const lease = circuit.awaitLease(signal)
    return lease ? lease.then(admit, admit) : admit()
  }
  return callChannel?.hasSubscribers
    ? callChannel.tracePromise(attempt, { breaker: circuit.breaker, args })
    : attempt()
}

function supervise<T, F>(
  circuit: Circuit,
  permit: CallPermit,
  begin: Body<T>,
  limits: CallLimits<F>,
): Promise<T | F> {
  const { name } = circuit.options
  const { signal, caller, fallback, callTimeout = circuit.options.callTimeout } = limits
  return new Promise<T | F>((resolve, reject) => {
    const context = new Context(callTimeout < Infinity ? undefined : signal)
    let stopTimer: (() => void) | undefined
    let settled = false
    /** Returns true once: for the first of the result, the timeout and the abort. */
    const settle = (threw: boolean, payload: unknown, outcome?: Outcome): boolean => {
      if (settled) return false
      settled = true
      stopTimer?.()
      permit.settle(threw, payload, outcome)
      return true
    }
    const succeed = (value: T): void => {
      if (!settle(false, value)) return
      if (fallback && permit.outcome === 'failure') {
        return resolve(recover(circuit, new FailedResultError(name, value), limits))
      }
      caller?.leave()
      resolve(value)
    }
    const fail = (error: unknown, outcome?: Outcome): void => {
      if (!settle(true, error, outcome)) return
      if (outcome === 'failure') context.abort(error)
      const failure = permit.tripError ?? error
      if (permit.outcome === 'failure') return resolve(recover(circuit, failure, limits))
      caller?.leave()
      reject(failure)
    }
    const abort = (reason: unknown): void => {
      if (!settle(true, reason, isTimeout(reason) ? 'failure' : 'ignored')) return
      context.abort(reason)
      reject(reason)
    }
    const expire = (): void => fail(new CallTimeoutError(name, callTimeout), 'failure')
    try {
      if (caller) caller.onAbort = abort
      if (caller?.aborted) return abort(caller.reason) // by a `beforeCall` listener
      if (callTimeout < Infinity) stopTimer = circuit.time.startTimer(callTimeout, expire, true)
      // A thenable may do its work in `then`, so that is part of the call too.
      const result = permit.run(() => {
        const given = begin(context, permit)
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

/** Runs the fallback, if there is one. Rejects early if the caller aborts. */
function recover<F>(circuit: Circuit, error: unknown, { caller, fallback }: CallLimits<F>): Promise<F> {
  if (!fallback) {
    caller?.leave()
    return rejectSoon(error)
  }
  const { listeners, breaker } = circuit
  return new Promise((resolve, reject) => {
    if (caller?.aborted) return reject(caller.reason)
    if (caller) caller.onAbort = reject
    const end = (threw: boolean, payload: unknown): void => {
      caller?.leave()
      if (!caller?.aborted && listeners.has('fallback')) {
        listeners.post('fallback', threw ? { breaker, error } : { breaker, error, value: payload })
        listeners.deliver()
      }
      if (threw) reject(payload)
      else resolve(payload as F)
    }
    adopt(() => fallback(error)).then(
      (value) => end(false, value),
      (thrown: unknown) => end(true, thrown),
    )
  })
}

/**
 * Returns a promise that rejects in the next microtask, when the caller has attached its handler. Engines take several
 * times as long for a promise that is rejected without a handler, since they track it as unhandled and then as handled.
 */
function rejectSoon(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => onMicrotask(() => reject(error)))
}

/** Returns a promise for what `make` returns or throws. It settles once, even for a misbehaving thenable. */
export function adopt<T>(make: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(make()))
}

export function isGenerator(value: unknown): boolean {
  return isObject(value) && /^(Async)?Generator$/.test(tagOf(value))
}

export function generatorError(): TypeError {
  return new TypeError(
    'Expected a result or a promise, got a generator object: use breaker.wrap(function* () { yield* fn() })',
  )
}
