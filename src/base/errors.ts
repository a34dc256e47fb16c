import { MANUAL, type Scope } from './state.ts'
import { isObject } from './validate.ts'

/** Why a call was rejected: the state that the circuit was in. */
export type RejectionReason = 'open' | 'half-open' | 'isolated'

// Not all engines have the limit, and not all types.
const Stacks = Error as { stackTraceLimit?: number | undefined }

// A marker holds across realms and across several installed copies of this package.
const markerOf = (name: string): symbol => Symbol.for(`recloser.${name}`)

/** Gives the errors of a class their name and their marker. */
function mark(prototype: object, name: string): void {
  Object.defineProperties(prototype, {
    name: { value: name, configurable: true, writable: true },
    [markerOf(name)]: { value: true },
  })
}

const isMarked = (error: unknown, name: string): boolean => isObject(error) && error[markerOf(name)] === true

/** What a {@link CircuitBreakerError} is made of. */
export interface RejectionDetails {
  /** The name of the breaker. */
  readonly breaker: string
  readonly reason: RejectionReason
  /** Milliseconds. */
  readonly retryAfter: number
  /** Whose state it was. Default `'local'`. */
  readonly scope?: Scope | undefined
  /** What opened the circuit: the name of a trip rule, or what an operator said. Default `'manual'`. */
  readonly because?: string | undefined
  /** When the call was rejected, in milliseconds of the wall clock. Default now. */
  readonly at?: number | undefined
  /** The failure that opened the circuit. */
  readonly cause?: unknown
  /** @internal The very breaker, so that it knows its own errors again. */
  readonly owner?: object | undefined
}

/**
 * The circuit did not let the call through; the dependency was not called.
 *
 * It captures no stack trace, because that is most of what a rejection would cost, and it would be paid exactly when
 * load is worst. Set `CircuitBreakerError.withStack = true` to have stacks while debugging.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isCircuitBreakerError } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ name: 'payments' })
 * breaker.open({ for: 5_000 })
 * try {
 *   await breaker.call(() => 'unreachable')
 * } catch (error) {
 *   if (!isCircuitBreakerError(error)) throw error
 *   console.log(error.breaker, error.reason, error.retryAfter <= 5_000) // payments open true
 * }
 * ```
 */
export class CircuitBreakerError extends Error {
  /** Whether these errors capture a stack trace. Default `false`. */
  static withStack = false

  declare readonly name: 'CircuitBreakerError'
  readonly code = 'CIRCUIT_OPEN'
  /** The name of the breaker. */
  readonly breaker: string
  /** The state that rejected the call. */
  readonly reason: RejectionReason
  /** Whether that was the state of this breaker alone, or of the fleet. */
  readonly scope: Scope
  /**
   * Whole milliseconds until a call may be admitted; `Infinity` while isolated. While half-open it is the time until
   * the oldest probe must have answered: a hint, since probes usually answer sooner.
   */
  readonly retryAfter: number
  /**
   * The failure that opened the circuit, if it was an error. Beware: it belongs to another caller, so do not show it
   * to this one.
   */
  declare readonly cause?: unknown
  readonly #rejectedAt: number
  readonly #owner: object | undefined

  /** The breaker makes these; you may want one in a test. */
  constructor(details: RejectionDetails) {
    const {
      breaker,
      reason,
      because = MANUAL,
      retryAfter,
      at = Date.now(),
      cause,
      owner,
      scope = 'local',
    } = details
    const wait = reason === 'isolated' ? 'until it is closed by hand' : `retry in ${retryAfter} ms`
    super(
      `Circuit "${breaker}" is ${reason} (${because}), ${wait}`,
      cause === undefined ? undefined : details,
    )
    this.breaker = breaker
    this.reason = reason
    this.scope = scope
    this.retryAfter = retryAfter
    this.#rejectedAt = at
    this.#owner = owner
  }

  /** The same as `retryAfter` as a date of the wall clock; `undefined` while isolated. */
  get reopenTime(): Date | undefined {
    return wallDate(this.#rejectedAt, this.retryAfter)
  }

  static {
    mark(this.prototype, 'CircuitBreakerError')
  }

  /** @internal Makes the error without the cost of a stack, unless stacks are wanted. */
  static reject(details: RejectionDetails): CircuitBreakerError {
    const limit = Stacks.stackTraceLimit
    if (limit === undefined || CircuitBreakerError.withStack) return new CircuitBreakerError(details)
    try {
      Stacks.stackTraceLimit = undefined // 0 would still make a trace, only an empty one
    } catch {
      return new CircuitBreakerError(details) // frozen intrinsics
    }
    try {
      const error = new CircuitBreakerError(details)
      const stack = `CircuitBreakerError: ${error.message}`
      if (Object.hasOwn(error, 'stack')) error.stack = stack
      else Object.defineProperty(error, 'stack', { value: stack, writable: true, configurable: true })
      return error
    } finally {
      Stacks.stackTraceLimit = limit
    }
  }

  /** @internal Whether `error` was thrown by this very breaker. */
  static isFrom(error: unknown, owner: object): boolean {
    return isObject(error) && #owner in error && error.#owner === owner
  }
}

/** @internal */
export function wallDate(from: number, after: number): Date | undefined {
  const date = new Date(from + after)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/**
 * The call took longer than `callTimeout`. Its signal has been aborted; it counts as a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isCallTimeoutError } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ callTimeout: 20 })
 * try {
 *   await breaker.call(() => new Promise((resolve) => setTimeout(resolve, 200)))
 * } catch (error) {
 *   console.log(isCallTimeoutError(error) && error.timeout) // 20
 * }
 * ```
 */
export class CallTimeoutError extends Error {
  declare readonly name: 'CallTimeoutError'
  readonly code = 'CALL_TIMEOUT'
  /** The name of the breaker. */
  readonly breaker: string
  /** The `callTimeout` that passed, in milliseconds. */
  readonly timeout: number

  /** The breaker makes these; you may want one in a test. */
  constructor(breaker: string, timeout: number) {
    super(`A call through "${breaker}" took longer than ${timeout} ms`)
    this.breaker = breaker
    this.timeout = timeout
  }

  static {
    mark(this.prototype, 'CallTimeoutError')
  }
}

/** Whether `error` is a {@link CircuitBreakerError}, of whichever realm or copy of this package. */
export function isCircuitBreakerError(error: unknown): error is CircuitBreakerError {
  return isMarked(error, 'CircuitBreakerError')
}

/** Whether `error` is a {@link CallTimeoutError}, of whichever realm or copy of this package. */
export function isCallTimeoutError(error: unknown): error is CallTimeoutError {
  return isMarked(error, 'CallTimeoutError')
}

/**
 * Whether `error` is what an aborted operation throws (its name is `AbortError`). For `exclude`, where the calls of a
 * breaker are aborted by their callers and not because the dependency is slow.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isAbortError } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ exclude: [isAbortError] })
 * ```
 */
export function isAbortError(error: unknown): boolean {
  return isObject(error) && error['name'] === 'AbortError'
}
