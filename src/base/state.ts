/**
 * The four states of a circuit, as constants for those who prefer a name to a string.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, CircuitBreakerState } from 'recloser'
 *
 * const breaker = new CircuitBreaker()
 * console.log(breaker.state === CircuitBreakerState.CLOSED) // true
 * ```
 */
export const CircuitBreakerState = {
  /** Calls pass and are judged by the trip rule. */
  CLOSED: 'closed',
  /** Calls are rejected until the open time has passed. */
  OPEN: 'open',
  /** A few calls pass as probes and decide between closed and open. */
  HALF_OPEN: 'half-open',
  /** Held open by hand, until `close()`. */
  ISOLATED: 'isolated',
} as const

/** `'closed' | 'open' | 'half-open' | 'isolated'` */
export type CircuitBreakerState = (typeof CircuitBreakerState)[keyof typeof CircuitBreakerState]

/** The reason of a transition that was made by hand, where none was given. */
export const MANUAL = 'manual'

/** The four states, as a list. It does not read the constants above, as that would bring them into every bundle. */
export const STATES: readonly [CircuitBreakerState, ...CircuitBreakerState[]] = [
  'closed',
  'open',
  'half-open',
  'isolated',
]

/**
 * What the breaker does with its decisions: `'enforce'` them, `'observe'` (decide and report, reject nothing) or
 * `'off'` (pass everything, record nothing).
 */
export type CircuitBreakerMode = 'enforce' | 'observe' | 'off'

/**
 * Whose state is in force: the breaker's own (`'local'`), or that of all breakers of its name which share a storage
 * (`'fleet'`).
 */
export type Scope = 'local' | 'fleet'

/** How a breaker with a storage takes part in its fleet. */
export type Share = 'pooled' | 'first-trip' | 'observe'

/** What a settled call says about the dependency. `'ignored'` says nothing. */
export type Outcome = 'success' | 'failure' | 'ignored'
