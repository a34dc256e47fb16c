import { MANUAL, type Scope } from './state.ts'
import { attempt, escapeText, isObject } from './validate.ts'

/** Why a call was rejected: the state of the circuit. */
export type RejectionReason = 'open' | 'half-open' | 'isolated'

// Neither all engines nor all type definitions have `stackTraceLimit`.
const Stacks = Error as { stackTraceLimit?: number | undefined }

// A registered symbol is the same across realms and across several installed copies of this package.
const markerOf = (name: string): symbol => Symbol.for(`recloser.${name}`)

/** Sets the name and the marker of an error class. */
function mark(prototype: object, name: string): void {
  Object.defineProperties(prototype, {
    name: { value: name, configurable: true, writable: true },
    [markerOf(name)]: { value: true },
  })
}

const isMarked = (error: unknown, name: string): boolean => isObject(error) && error[markerOf(name)] === true

/** The details of a rejection, from which a {@link CircuitBreakerError} is created. */
export interface RejectionDetails {
  /** The name of the breaker. */
  readonly breaker: string
  /** The state that rejected the call. */
  readonly reason: RejectionReason
  /** Milliseconds until a call may be admitted; `Infinity` while isolated. */
  readonly retryAfter: number
  /**
   * Whose state it was: the breaker's own or the fleet's.
   *
   * @default 'local'
   */
  readonly scope?: Scope | undefined
  /**
   * What opened the circuit: the name of a trip rule, or the reason of a manual transition.
   *
   * @default 'manual'
   */
  readonly because?: string | undefined
  /**
   * When the call was rejected, in milliseconds of the wall clock.
   *
   * @default Date.now()
   */
  readonly at?: number | undefined
  /** The failure that opened the circuit. */
  readonly cause?: unknown
  /** @internal The circuit that rejected the call, so that it can recognize its own errors. */
  readonly owner?: object | undefined
}

/**
 * The error of a rejected call. The dependency was not called.
 *
 * It captures no stack trace, because that would be most of the cost of a rejection, at the time when load is highest.
 * Set `CircuitBreakerError.withStack = true` to capture stacks while you debug.
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
  /**
   * Whether these errors capture a stack trace.
   *
   * @default false
   */
  static withStack = false

  /** The name of the class. */
  declare readonly name: 'CircuitBreakerError'
  /** Identifies the error where `instanceof` cannot. */
  readonly code = 'CIRCUIT_OPEN'
  /** The name of the breaker. */
  declare readonly breaker: string
  /** The state that rejected the call. */
  declare readonly reason: RejectionReason
  /** Whose state that was: the breaker's own or the fleet's. */
  declare readonly scope: Scope
  /**
   * Milliseconds, rounded up, until a call may be admitted; `Infinity` while isolated. While half-open it is a delay
   * after which to try again: the time until the oldest probe times out, at most 1,000, since probes usually end sooner.
   */
  declare readonly retryAfter: number
  /**
   * Describes the error that opened the circuit, if an error did: an `Error` with its name, message, code and stack, as
   * text of at most 2,000 characters each. It is never that error itself, which belongs to another caller. With
   * `errorOnTrip`, the caller whose call opened the circuit gets its own error here.
   */
  declare readonly cause?: unknown
  readonly #rejectedAt: number
  readonly #owner: object | undefined

  /** Creates an error as a breaker does, for tests. */
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
    const wait = reason === 'isolated' ? 'until it is closed' : `retry in ${retryAfter} ms`
    super(
      `Circuit "${escapeText(breaker)}" is ${reason} (${escapeText(because)}), ${wait}`,
      cause === undefined ? undefined : details,
    )
    this.breaker = breaker
    this.reason = reason
    this.scope = scope
    this.retryAfter = retryAfter
    this.#rejectedAt = at
    this.#owner = owner
  }

  /** `retryAfter` as a date; `undefined` while isolated. */
  get reopenTime(): Date | undefined {
    return wallDate(this.#rejectedAt, this.retryAfter)
  }

  static {
    mark(this.prototype, 'CircuitBreakerError')
  }

  /** @internal Creates an error without a stack, unless `withStack` is set. */
  static reject(details: RejectionDetails): CircuitBreakerError {
    const limit = Stacks.stackTraceLimit
    if (limit === undefined || CircuitBreakerError.withStack) return new CircuitBreakerError(details)
    try {
      Stacks.stackTraceLimit = undefined // 0 would still capture a trace, an empty one
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

  /** @internal Whether `error` is a rejection by this circuit, or wraps one. */
  static isFrom(error: unknown, owner: object): boolean {
    // Engines find the class faster than the private field, which decides.
    const isOwn = (each: object): boolean =>
      each instanceof CircuitBreakerError && #owner in each && each.#owner === owner
    return findError(error, isOwn) !== undefined
  }
}

/** @internal Returns the date `after` milliseconds after `from`; `undefined` if there is no such date. */
export function wallDate(from: number, after: number): Date | undefined {
  const date = new Date(from + after)
  return date.getTime() < Infinity ? date : undefined
}

/**
 * The error of a call that took longer than `callTimeout`. Its signal has aborted, and the call counts as a failure.
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
  /** The name of the class. */
  declare readonly name: 'CallTimeoutError'
  /** Identifies the error where `instanceof` cannot. */
  readonly code = 'CALL_TIMEOUT'
  /** The name of the breaker. */
  declare readonly breaker: string
  /** The time limit, in milliseconds. */
  declare readonly timeout: number
  /** What took too long: the whole call, or the wait for the next part of its answer. */
  declare readonly kind: 'call' | 'idle'

  /** Creates an error as a breaker does, for tests. */
  constructor(breaker: string, timeout: number, kind: 'call' | 'idle' = 'call') {
    super(
      `A call through "${escapeText(breaker)}" ${kind === 'call' ? 'took' : 'was idle for'} longer than ${timeout} ms`,
    )
    this.breaker = breaker
    this.timeout = timeout
    this.kind = kind
  }

  static {
    mark(this.prototype, 'CallTimeoutError')
  }
}

/**
 * The error that a fallback receives for a call whose result `classifyResult` classified as a failure.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isFailedResultError } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ classifyResult: (status) => (status === 500 ? 'failure' : undefined) })
 * const status = await breaker.run(() => 500, {
 *   fallback: (error) => (isFailedResultError(error) ? `instead of ${error.result}` : 'failed'),
 * })
 * console.log(status) // instead of 500
 * ```
 */
export class FailedResultError extends Error {
  /** The name of the class. */
  declare readonly name: 'FailedResultError'
  /** Identifies the error where `instanceof` cannot. */
  readonly code = 'RESULT_FAILED'
  /** The name of the breaker. */
  declare readonly breaker: string
  /** The result of the call. */
  declare readonly result: unknown

  /** Creates an error as a breaker does, for tests. */
  constructor(breaker: string, result: unknown) {
    super(`The result of a call through "${escapeText(breaker)}" is a failure`)
    this.breaker = breaker
    this.result = result
  }

  static {
    mark(this.prototype, 'FailedResultError')
  }
}

/**
 * Whether `error` is a {@link CircuitBreakerError}, also one of another realm or another copy of this package.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isCircuitBreakerError } from 'recloser'
 *
 * const breaker = new CircuitBreaker()
 * breaker.isolate()
 * const error: unknown = await breaker.call(() => 'unreachable').catch((reason: unknown) => reason)
 * console.log(isCircuitBreakerError(error) && error.reason) // isolated
 * ```
 */
export function isCircuitBreakerError(error: unknown): error is CircuitBreakerError {
  return isMarked(error, 'CircuitBreakerError')
}

/**
 * Whether `error` is a {@link CallTimeoutError}, also one of another realm or another copy of this package.
 *
 * @example
 * ```ts
 * import { CallTimeoutError, isCallTimeoutError } from 'recloser'
 *
 * console.log(isCallTimeoutError(new CallTimeoutError('payments', 500)), isCallTimeoutError(new Error())) // true false
 * ```
 */
export function isCallTimeoutError(error: unknown): error is CallTimeoutError {
  return isMarked(error, 'CallTimeoutError')
}

/**
 * Whether `error` is a {@link FailedResultError}, also one of another realm or another copy of this package.
 *
 * @example
 * ```ts
 * import { FailedResultError, isFailedResultError } from 'recloser'
 *
 * console.log(isFailedResultError(new FailedResultError('payments', 500)), isFailedResultError(new Error())) // true false
 * ```
 */
export function isFailedResultError(error: unknown): error is FailedResultError {
  return isMarked(error, 'FailedResultError')
}

/**
 * Returns the {@link CircuitBreakerError} that `error` is or wraps. Clients wrap what they get; this follows `cause`,
 * `lastError` and the elements of `errors`, 8 levels deep. It never throws.
 *
 * @returns the outermost one; `undefined` if there is none.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, findCircuitBreakerError } from 'recloser'
 *
 * const payments = new CircuitBreaker({ name: 'payments' })
 * payments.isolate()
 * const charge = async () => {
 *   try {
 *     return await payments.call(() => 'charged')
 *   } catch (cause) {
 *     throw new Error('The order failed', { cause })
 *   }
 * }
 * await charge().catch((error) => console.log(findCircuitBreakerError(error)?.breaker)) // payments
 * ```
 */
export function findCircuitBreakerError(error: unknown): CircuitBreakerError | undefined {
  return findError(error, isCircuitBreakerError) as CircuitBreakerError | undefined
}

type AnyObject = Record<PropertyKey, unknown>

const DEEPEST = 8
const MOST = 100
const NO_ERRORS: readonly unknown[] = []

/** Returns the outermost object that `matches`: an error, or one that it wraps. Skips what throws when it is read. */
function findError(error: unknown, matches: (each: AnyObject) => boolean): AnyObject | undefined {
  const isMatch = (each: unknown): each is AnyObject =>
    isObject(each) && (attempt(() => matches(each)) ?? false)
  if (isMatch(error)) return error
  let level = wrappedBy(error)
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth++) {
    const found = level.find(isMatch)
    if (found) return found
    level = level.flatMap(wrappedBy).slice(0, MOST)
  }
  return undefined
}

/** Returns what an error wraps. Nearly all wrap nothing, so this costs a failing call the reading of three properties. */
function wrappedBy(error: unknown): readonly unknown[] {
  if (!isObject(error)) return NO_ERRORS
  const cause = attempt(() => error['cause'])
  const lastError = attempt(() => error['lastError'])
  const errors: readonly unknown[] =
    attempt(() => Array.isArray(error['errors']) && error['errors'].slice(0, MOST)) || NO_ERRORS
  return cause || lastError || errors.length > 0 ? [cause, lastError, ...errors] : NO_ERRORS
}

/**
 * Whether `error` is the error of an aborted operation: its name is `AbortError`. Use it in `exclude` if callers abort
 * calls for reasons of their own, and not because the dependency is slow.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, isAbortError } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ exclude: [isAbortError] })
 * console.log(isAbortError(AbortSignal.abort().reason)) // true
 * ```
 */
export function isAbortError(error: unknown): boolean {
  return isObject(error) && error['name'] === 'AbortError'
}
