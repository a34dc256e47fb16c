import { STATES, type CircuitBreakerMode, type CircuitBreakerState, type Scope } from '../base/state.ts'
import {
  aString,
  check,
  isObject,
  nonNegative,
  nonNegativeInteger,
  oneOf,
  namesIn,
  merge,
  classesOf,
  positiveInteger,
  type Check,
} from '../base/validate.ts'
import type { FailureDescription } from './opening.ts'
import type { FleetSnapshot } from './ports.ts'

/** The part of a snapshot that `restore` reads. */
export interface RestorableState {
  /** The version of the snapshot format. */
  readonly version: 1
  /** The state of the circuit. */
  readonly state: CircuitBreakerState
  /**
   * Milliseconds until a call may be admitted; `null` while isolated. While half-open with all probes in flight it is a
   * delay after which to try again, at most 1,000.
   */
  readonly retryAfter: number | null
  /** The escalation: how often the circuit has opened without recovering in between; 0 in normal operation. */
  readonly attempt: number
  /** Why the circuit opened; `null` while it is closed. */
  readonly tripReason: string | null
  /** The number of consecutive failures since the circuit entered its current state. */
  readonly failCounter: number
  /** When the snapshot was taken, in milliseconds of the wall clock. */
  readonly takenAt: number
}

/** The number of completed calls, by outcome. A slow failure counts as a failure and as slow. */
export interface CircuitBreakerCounts {
  /** All completed calls: successes and failures. */
  readonly calls: number
  /** Calls that succeeded. */
  readonly successes: number
  /** Calls that failed. */
  readonly failures: number
  /** Calls that took longer than the `slowerThan` of the trip rule. */
  readonly slow: number
}

/** The state and the counts of a breaker at one moment: plain, frozen, JSON-safe data. */
export interface CircuitBreakerSnapshot extends RestorableState {
  /** The name of the breaker. */
  readonly name: string
  /** The mode of the breaker. */
  readonly mode: CircuitBreakerMode
  /** Whose state it is: the breaker's own or the fleet's. */
  readonly scope: Scope
  /** When the state was entered, in milliseconds of the wall clock; `null` if it has never changed. */
  readonly since: number | null
  /**
   * The calls in the window of the trip rule (the first one, if it has several). Without a window, the calls since the
   * state was entered; while half-open, the probes.
   */
  readonly counts: CircuitBreakerCounts
  /** Failures per call, `null` below `minCalls`. */
  readonly failureRate: number | null
  /** Slow calls per call, `null` below `minCalls`. */
  readonly slowCallRate: number | null
  /** The number of calls in flight, including late ones. */
  readonly inFlight: number
  /** The number of rejected calls since the breaker was created. */
  readonly rejected: number
  /** The number of calls, since the breaker was created, that ended after the state that admitted them. */
  readonly late: number
  /** The number of ignored calls since the breaker was created. */
  readonly ignored: number
  /** Describes the last error that counted as a failure; `null` if there is none. */
  readonly lastFailure: FailureDescription | null
  /** What is known of the fleet; only with a `storage`. */
  readonly fleet?: FleetSnapshot | undefined
}

/** The version of the snapshot format. */
export const VERSION = 1

/** Cuts a reason to 256 characters, without splitting one in two. */
export const toReason = (reason: string): string => reason.slice(0, 256).replace(/[\uD800-\uDBFF]$/, '')

/** Checks a reason, and cuts it. */
export const aReason: Check = (value, name) => aString(value, name) ?? toReason(value as string)

/** The checks of what is restored. Most of it depends on the state. */
const parts: { readonly [Part in keyof RestorableState]: (...of: [unknown, string, unknown]) => unknown } = {
  version: (value, name) => {
    const newer = typeof value === 'number' && value > VERSION ? ': a newer recloser took the snapshot' : ''
    check(value === VERSION, name, `the number ${VERSION}${newer}`, value)
  },
  state: oneOf(STATES),
  retryAfter: (value, name, state) => {
    if (state === 'isolated') check(value === null, name, 'null while isolated', value)
    else if (state === 'closed') check(value === 0, name, 'the number 0 while closed', value)
    else if (state === 'open' || value !== null) nonNegative(value, name)
  },
  tripReason: (value, name) => (value === null ? value : aReason(value, name)),
  failCounter: nonNegativeInteger,
  // A clock that was ahead must not prolong the opening.
  takenAt: (value, name) => nonNegative(value, name) ?? Math.min(value as number, Date.now()),
  attempt: (value, name, state) => (state === 'open' ? positiveInteger : nonNegativeInteger)(value, name),
}

/** Reads and checks a snapshot to restore, which may come from a file. */
export function readSnapshot(value: unknown, name: string): RestorableState {
  check(isObject(value), name, 'a snapshot', value)
  const read = merge<Record<string, unknown>>()
  const names = Object.keys(parts) as (keyof RestorableState)[]
  for (const part of namesIn(classesOf(value), names)) read[part] = value[part]
  const { state } = read
  for (const part of names) read[part] = parts[part](read[part], `${name}.${part}`, state) ?? read[part]
  return read as unknown as RestorableState
}
