import type { Circuit } from '../core/circuit.ts'
import { callChannel } from '../events/diagnostics.ts'
import { CallTimeoutError, CircuitBreakerError } from '../base/errors.ts'
import type { CircuitOptions } from '../core/options.ts'
import { isThenable } from '../base/outcome.ts'
import type { CallPermit } from '../core/permit.ts'
import type { Outcome } from '../base/state.ts'
import { startTimer } from '../base/timer.ts'
import { isObject, tagOf } from '../base/validate.ts'

/** What a task is given. */
export interface TaskContext {
  /**
   * Aborts when the caller's signal does, or when `callTimeout` has passed. It is made when it is first read; where
   * there is no time-out it is the caller's own.
   */
  readonly signal: AbortSignal
}

/** What stands in for the result of a call that failed, timed out or was rejected. */
export type Fallback<T> = (error: unknown) => T

const SOON = Promise.resolve()

export class Context implements TaskContext {
  readonly #caller: AbortSignal | undefined
  readonly #timed: boolean
  #controller: AbortController | undefined
  #signal: AbortSignal | undefined
  #timeout: CallTimeoutError | undefined

  constructor(caller: AbortSignal | undefined, limited: boolean) {
    this.#caller = caller
    this.#timed = limited
  }

  get signal(): AbortSignal {
    const caller = this.#caller
    if (caller && !this.#timed) return caller
    if (!this.#signal) {
      const controller = (this.#controller = new AbortController())
      if (this.#timeout) controller.abort(this.#timeout)
      // Ours first: an engine that works out the reason only when asked takes the first signal that has one by then.
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
 * Runs one call with all that can be asked of it: a time-out, the caller's signal, a fallback, listeners. Whichever
 * comes first, the result, the time-out or the abort, settles the call; what comes later has no effect.
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
      : supervise(circuit.options, permit, begin, signal, fallback)
  }
  const attempt = (): Promise<T | F> => {
    const place = circuit.member?.awaitLease(signal)
    if (!place) return admit()
    return place.then(() => {
      if (signal?.aborted) throw signal.reason
      return admit()
    })
  }
  return callChannel?.hasSubscribers
    ? callChannel.tracePromise(attempt, { breaker: circuit.breaker, args })
    : attempt()
}

function supervise<T, F>(
  { name, callTimeout }: CircuitOptions,
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
    /** True for the first who comes. */
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
      if (signal?.aborted) return abort() // by a listener, since it was looked at
      signal?.addEventListener('abort', abort)
      if (callTimeout < Infinity) stopTimer = startTimer(callTimeout, expire, false)
      const result = begin(context)
      if (isThenable(result)) adopt(() => result).then(succeed, (error: unknown) => fail(error))
      else if (isGenerator(result)) fail(generatorError(), 'ignored')
      else succeed(result)
    } catch (error) {
      fail(error)
    }
  })
}

/** What the caller gets in place of a result, unless it gives up before that. */
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
 * A rejected promise whose rejection is a moment away, so that the caller is there to take it: an engine that has to
 * note that nobody is, and then that somebody is, takes several times as long over it.
 */
function rejectSoon(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => void SOON.then(() => reject(error)))
}

/** A promise for what `make` returns. It settles once, whatever thenable that is. */
export function adopt<T>(make: () => T | PromiseLike<T>): Promise<T> {
  return new Promise((resolve) => resolve(make()))
}

/** Whether a caller gave up because of its own time-out, as `AbortSignal.timeout` does. */
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
