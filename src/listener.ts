import type { CircuitBreaker } from './breaker.ts'
import type { CircuitBreakerError } from './base/errors.ts'
import { channels } from './events/diagnostics.ts'
import { handleRejection } from './base/outcome.ts'
import type { Reporter } from './base/reporter.ts'
import type { CircuitBreakerState, Scope } from './base/state.ts'
import { check, isObject } from './base/validate.ts'

/** A call was admitted and is about to run. */
export interface BeforeCallEvent {
  readonly breaker: CircuitBreaker
  /** The arguments of the call; none for a permit. */
  readonly args: readonly unknown[]
}

/** A call has ended. */
export interface CallEvent {
  readonly breaker: CircuitBreaker
  /** Milliseconds; `undefined` if nobody was interested in it when the call began. */
  readonly duration: number | undefined
  /** The result, if it returned. */
  readonly value?: unknown
  /** The error, if it threw. */
  readonly error?: unknown
}

/** A call was not admitted. */
export interface RejectedEvent {
  readonly breaker: CircuitBreaker
  readonly error: CircuitBreakerError
}

/** The circuit went from one state to another. */
export interface StateChangeEvent {
  readonly breaker: CircuitBreaker
  readonly from: CircuitBreakerState
  readonly to: CircuitBreakerState
  /**
   * Why: the trip rule's name, `'probeFailed'`, `'probeTimeout'`, `'probeSucceeded'`, `'timeoutElapsed'` (open to
   * half-open), `'manual'` or what was given to a manual transition.
   */
  readonly reason: string
  /** Milliseconds of the wall clock. */
  readonly at: number
  /** Whose state it is from now on: the breaker's own, or that of the fleet. A change of the scope alone is no event. */
  readonly scope: Scope
}

/** The link to the storage has come up or gone down, or what the storage has under this name cannot be used. */
export interface LinkEvent {
  readonly breaker: CircuitBreaker
  /** `'degraded'`: the breaker decides alone. */
  readonly state: 'live' | 'degraded'
  /** Why it is degraded: what the storage threw, or how the record is unusable. */
  readonly error: unknown
  /** A transition by hand that the fleet has not heard of: it is offered when the link is back. */
  readonly unsent: CircuitBreakerState | undefined
}

/** In mode `'observe'`: the circuit would have opened. */
export interface WouldTripEvent {
  readonly breaker: CircuitBreaker
  readonly reason: string
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

export type Hook = keyof CircuitBreakerEvents

const HOOKS: readonly Hook[] = [
  'beforeCall',
  'success',
  'failure',
  'ignored',
  'rejected',
  'late',
  'stateChange',
  'wouldTrip',
  'link',
]

const OUTCOMES: readonly Hook[] = ['success', 'failure', 'ignored', 'late']

export function checkListener(listener: unknown, name: string): asserts listener is CircuitBreakerListener {
  check(
    isObject(listener) && HOOKS.some((hook) => typeof listener[hook] === 'function'),
    name,
    `an object with at least one of the methods ${HOOKS.join(', ')}`,
    listener,
  )
}

/** A listener, and what it hears: asked once, because its members may be getters. */
interface Listening {
  readonly listener: CircuitBreakerListener
  readonly hooks: readonly Hook[]
}

const NOBODY: readonly Listening[] = []
const NOTHING: ReadonlySet<Hook> = new Set()

/**
 * The listeners of one breaker and the events on their way to them. All listeners see event n before event n + 1,
 * also when one of them causes event n + 1.
 */
export class Listeners {
  readonly #reporter: Reporter
  #listeners = NOBODY
  // What anybody hears: for all else no event is made.
  #heard = NOTHING
  #waiting: (readonly [Hook, CircuitBreakerEvents[Hook]])[] | undefined
  #delivering = false

  constructor(reporter: Reporter) {
    this.#reporter = reporter
  }

  add(listener: CircuitBreakerListener): void {
    if (this.#listeners.some((each) => each.listener === listener)) return
    const hooks = HOOKS.filter((hook) => typeof listener[hook] === 'function')
    this.#set([...this.#listeners, { listener, hooks }])
  }

  remove(listener: CircuitBreakerListener): void {
    this.#set(this.#listeners.filter((each) => each.listener !== listener))
  }

  #set(listeners: readonly Listening[]): void {
    this.#listeners = listeners
    this.#heard = new Set(listeners.flatMap(({ hooks }) => hooks))
  }

  hears(hook: Hook): boolean {
    return this.#heard.has(hook) || channels[hook]?.hasSubscribers === true
  }

  /** Whether anybody wants to know how calls end, and so how long they take. */
  get hearOutcomes(): boolean {
    return OUTCOMES.some((hook) => this.hears(hook))
  }

  /** Puts an event in the queue. It stays there until the operation that caused it has done all that it does. */
  post<H extends Hook>(hook: H, event: CircuitBreakerEvents[H]): void {
    ;(this.#waiting ??= []).push([hook, event])
  }

  deliver(): void {
    if (this.#waiting === undefined || this.#delivering) return
    this.#delivering = true
    for (const [hook, event] of this.#waiting) {
      for (const { listener } of this.#listeners) this.#tell(listener, hook, event)
      publish(hook, event)
    }
    this.#waiting = undefined
    this.#delivering = false
  }

  #tell(listener: CircuitBreakerListener, hook: Hook, event: CircuitBreakerEvents[Hook]): void {
    try {
      const hear = listener[hook] as ((event: unknown) => unknown) | undefined
      if (typeof hear === 'function') {
        handleRejection(hear.call(listener, event), (error) => this.#reporter.report(error))
      }
    } catch (error) {
      this.#reporter.report(error)
    }
  }
}

function publish<H extends Hook>(hook: H, event: CircuitBreakerEvents[H]): void {
  channels[hook]?.publish(event)
}
