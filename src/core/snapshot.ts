import { STATES, type CircuitBreakerMode, type CircuitBreakerState, type Scope } from '../base/state.ts'
import { check, isObject, nonNegative, nonNegativeInteger, oneOf } from '../base/validate.ts'
import type { FailureDescription } from './opening.ts'
import type { FleetSnapshot } from './ports.ts'

/** The part of a snapshot that `restore` takes back. */
export interface RestorableState {
  /** The version of this shape. */
  readonly version: 1
  readonly state: CircuitBreakerState
  /** Milliseconds until a call may be admitted; `null` stands for never by itself (isolated, or no lease). */
  readonly retryAfter: number | null
  /** Openings without a recovery in between: 0 while all is well. */
  readonly attempt: number
  /** What opened the circuit; `null` while it is closed. */
  readonly tripReason: string | null
  /** Consecutive failures in the current period. */
  readonly failCounter: number
  /** When the snapshot was taken, in milliseconds of the wall clock. */
  readonly takenAt: number
}

/** Completed calls. A slow failure counts as both. */
export interface CircuitBreakerCounts {
  readonly calls: number
  readonly successes: number
  readonly failures: number
  readonly slow: number
}

/** What a breaker looks like at one moment: plain, frozen, JSON-safe data. */
export interface CircuitBreakerSnapshot extends RestorableState {
  readonly name: string
  readonly mode: CircuitBreakerMode
  /** Whose state it is: the breaker's own, or that of the fleet. */
  readonly scope: Scope
  /** When the state began, in milliseconds of the wall clock; `null` if it has never changed. */
  readonly since: number | null
  /** Of the first rule that has a window, else since the state began; while half-open, of the probes. */
  readonly counts: CircuitBreakerCounts
  /** Failures per call, `null` below `minCalls`. */
  readonly failureRate: number | null
  /** Slow calls per call, `null` below `minCalls`. */
  readonly slowCallRate: number | null
  /** Calls that have begun and not ended, late ones among them. */
  readonly inFlight: number
  /** Calls that were not admitted, since the breaker was made. */
  readonly rejected: number
  /** Results that came after the state in which their call began, since the breaker was made. */
  readonly late: number
  /** Calls that counted for nothing, since the breaker was made. */
  readonly ignored: number
  /** The last error that counted as a failure. */
  readonly lastFailure: FailureDescription | null
  /** What is known of the fleet; only where there is a `storage`. */
  readonly fleet?: FleetSnapshot | undefined
}

/** The version of the shape of a snapshot. */
export const VERSION = 1

/** What `restore` takes back of a snapshot. It may come from a file, so nothing is trusted. */
export function readSnapshot(value: unknown, name: string): RestorableState {
  check(isObject(value), name, 'a snapshot', value)
  const { version, state, retryAfter, takenAt, attempt, failCounter, tripReason } = value
  nonNegativeInteger(version, `${name}.version`)
  if (Number(version) > VERSION) {
    throw new RangeError(
      `Expected \`${name}\` to be a snapshot of version ${VERSION}, got version ${Number(version)}: it was taken by a newer recloser`,
    )
  }
  check(version === VERSION, `${name}.version`, `the number ${VERSION}`, version)
  oneOf(STATES)(state, `${name}.state`)
  if (state === 'open') nonNegative(retryAfter, `${name}.retryAfter`)
  nonNegative(takenAt, `${name}.takenAt`)
  nonNegativeInteger(attempt, `${name}.attempt`)
  nonNegativeInteger(failCounter, `${name}.failCounter`)
  check(
    tripReason === null || typeof tripReason === 'string',
    `${name}.tripReason`,
    'a string or null',
    tripReason,
  )
  return { version, state, retryAfter, takenAt, attempt, failCounter, tripReason } as RestorableState
}
