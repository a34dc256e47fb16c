import { nearest } from './base/nearest.ts'
import { check, classesOf, isObject } from './base/validate.ts'
import type { CircuitBreaker } from './breaker.ts'
import type {
  BeforeCall,
  CallResult,
  FallbackResult,
  Hook,
  Rejected,
  Link,
  StateChange,
  WouldTrip,
} from './events/events.ts'
import { HOOKS } from './events/listeners.ts'

/** A call was admitted and is about to run. */
export interface BeforeCallEvent extends BeforeCall {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** A call has ended. */
export interface CallEvent extends CallResult {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** A call was not admitted. */
export interface RejectedEvent extends Rejected {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** A fallback has ended, and with it the call: what it returned is what the caller gets. */
export interface FallbackEvent extends FallbackResult {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** The circuit changed its state. */
export interface StateChangeEvent extends StateChange {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** The link to the storage was lost or restored, the record is unusable, or a manual change could not be sent. */
export interface LinkEvent extends Link {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** In mode `'observe'`, the circuit would have opened. */
export interface WouldTripEvent extends WouldTrip {
  /** The breaker that the event is about. */
  readonly breaker: CircuitBreaker
}

/** The events of a breaker, by the name of the listener method that receives them. */
export interface CircuitBreakerEvents {
  /** A call was admitted and is about to run. */
  readonly beforeCall: BeforeCallEvent
  /** A call succeeded. */
  readonly success: CallEvent
  /** A call failed. */
  readonly failure: CallEvent
  /** A call ended with an outcome that counts neither as a success nor as a failure. */
  readonly ignored: CallEvent
  /** A call was rejected: the circuit is open, isolated, or half-open with all probes in flight. */
  readonly rejected: RejectedEvent
  /** A call ended after the state that admitted it had ended. Its result changes nothing. */
  readonly late: CallEvent
  /**
   * A fallback has answered in place of a call that failed, timed out or was rejected. If the fallback itself failed,
   * the event has no `value`. There is no event if the caller has aborted.
   */
  readonly fallback: FallbackEvent
  /** The circuit changed its state. */
  readonly stateChange: StateChangeEvent
  /** In mode `'observe'`, the circuit would have opened. Reported once per open time and trip rule. */
  readonly wouldTrip: WouldTripEvent
  /** The link to the storage was lost or restored, the record is unusable, or a manual change could not be sent. */
  readonly link: LinkEvent
}

/**
 * Receives the events of a breaker. Every method is optional and may be async. It runs after the breaker has changed
 * its state, may call any method of any breaker, and cannot affect a call: what it throws goes to `onListenerError`.
 *
 * A plain object may have no other methods, since they are nearly always misspelled. The instance of a class may, unless
 * their names resemble that of a listener method that it lacks.
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

/**
 * Throws unless `listener` has a listener method, and no other that is meant as one: a plain object has no other
 * methods at all, and the instance of a class none that resembles a listener method which it lacks.
 */
export function checkListener(listener: unknown, name: string): asserts listener is CircuitBreakerListener {
  const has = (method: string): boolean => isObject(listener) && typeof listener[method] === 'function'
  const missing = HOOKS.filter((hook) => !has(hook))
  const some = `an object with at least one of the methods ${HOOKS.join(', ')}`
  let expected = missing.length < HOOKS.length ? '' : some
  const classes = classesOf(listener)
  for (const owner of classes) {
    for (const method of Object.getOwnPropertyNames(owner)) {
      const [near] = classes[1] ? nearest(method, missing, 6) : nearest(method, HOOKS)
      if ((classes[1] && !near) || HOOKS.includes(method as Hook) || !has(method)) continue
      expected = near ? `without \`${method}\`: did you mean \`${near}\`?` : `${some}, and no others`
    }
  }
  check(!expected, name, expected, listener)
}
