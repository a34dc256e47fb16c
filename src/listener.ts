import { check, isObject } from './base/validate.ts'
import type { CircuitBreaker } from './breaker.ts'
import type { BeforeCall, CallResult, Rejected, Link, StateChange, WouldTrip } from './events/events.ts'
import { HOOKS } from './events/listeners.ts'

/** A call was admitted and is about to run. */
export interface BeforeCallEvent extends BeforeCall {
  readonly breaker: CircuitBreaker
}

/** A call has ended. */
export interface CallEvent extends CallResult {
  readonly breaker: CircuitBreaker
}

/** A call was not admitted. */
export interface RejectedEvent extends Rejected {
  readonly breaker: CircuitBreaker
}

/** The circuit went from one state to another. */
export interface StateChangeEvent extends StateChange {
  readonly breaker: CircuitBreaker
}

/** The link to the storage has come up or gone down, or what the storage has under this name cannot be used. */
export interface LinkEvent extends Link {
  readonly breaker: CircuitBreaker
}

/** In mode `'observe'`: the circuit would have opened. */
export interface WouldTripEvent extends WouldTrip {
  readonly breaker: CircuitBreaker
}

/** Every event, by the name of the method that hears it. */
export interface CircuitBreakerEvents {
  readonly beforeCall: BeforeCallEvent
  readonly success: CallEvent
  readonly failure: CallEvent
  readonly ignored: CallEvent
  readonly rejected: RejectedEvent
  readonly late: CallEvent
  readonly stateChange: StateChangeEvent
  readonly wouldTrip: WouldTripEvent
  readonly link: LinkEvent
}

/**
 * Hears what a breaker does. Every method is optional and may be async; it runs after the breaker has decided, may
 * call any method of any breaker, and cannot change the result of a call: what it throws goes to `onListenerError`.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, type CircuitBreakerListener } from 'recloser'
 *
 * const log: CircuitBreakerListener = {
 *   stateChange: ({ breaker, from, to, reason }) => console.log(`${breaker.name}: ${from} → ${to} (${reason})`),
 * }
 * const breaker = new CircuitBreaker({ name: 'payments', listeners: [log] })
 * breaker.isolate('maintenance') // prints: payments: closed → isolated (maintenance)
 * ```
 */
export type CircuitBreakerListener = {
  [Hook in keyof CircuitBreakerEvents]?: ((event: CircuitBreakerEvents[Hook]) => unknown) | undefined
}

export function checkListener(listener: unknown, name: string): asserts listener is CircuitBreakerListener {
  check(
    isObject(listener) && HOOKS.some((hook) => typeof listener[hook] === 'function'),
    name,
    `an object with at least one of the methods ${HOOKS.join(', ')}`,
    listener,
  )
}
