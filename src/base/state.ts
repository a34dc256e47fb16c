/**
 * The four states of a circuit as constants, if you prefer them to string literals.
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
  /** Calls are admitted, and the trip rule counts their outcomes. */
  CLOSED: 'closed',
  /** Calls are rejected until the open time has passed. */
  OPEN: 'open',
  /** A few calls are admitted as probes. Their outcomes close or re-open the circuit. */
  HALF_OPEN: 'half-open',
  /** Calls are rejected until `close()`. Only a manual transition leads here. */
  ISOLATED: 'isolated',
} as const

/** The state of a circuit. */
export type CircuitBreakerState = (typeof CircuitBreakerState)[keyof typeof CircuitBreakerState]

/** The reason of a manual transition for which no reason was given. */
export const MANUAL = 'manual'

/** All four states. The literals are repeated so that bundlers can drop the constants above. */
export const STATES: readonly [CircuitBreakerState, ...CircuitBreakerState[]] = [
  'closed',
  'open',
  'half-open',
  'isolated',
]

/**
 * The mode of a breaker: `'enforce'` rejects calls while the circuit is open, `'observe'` decides and reports but
 * rejects nothing, `'off'` admits every call and counts nothing.
 */
export type CircuitBreakerMode = 'enforce' | 'observe' | 'off'

/**
 * Whose state is in force: the breaker's own (`'local'`), or the one that all breakers of its name share through a
 * storage (`'fleet'`).
 */
export type Scope = 'local' | 'fleet'

/** When a breaker with a storage opens its fleet; see the option `share`. */
export type Share = 'pooled' | 'first-trip' | 'observe'

/** The outcome of a call. `'ignored'` says nothing about the dependency. */
export type Outcome = 'success' | 'failure' | 'ignored'
