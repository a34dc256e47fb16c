import { handleRejection } from '../base/outcome.ts'
import type { ErrorSink } from '../base/error-sink.ts'
import { channels } from './diagnostics.ts'
import type { CircuitEvents, Hook } from './events.ts'

/** A listener, whatever class of breaker it is written for. */
export type AnyListener = { readonly [H in Hook]?: ((event: never) => unknown) | undefined }

/** What a listener can hear. */
export const HOOKS: readonly Hook[] = [
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

/** A listener, and what it hears: asked once, because its members may be getters. */
interface Subscription {
  readonly listener: AnyListener
  readonly hooks: readonly Hook[]
}

const NO_LISTENERS: readonly Subscription[] = []
const NO_HOOKS: ReadonlySet<Hook> = new Set()

/**
 * The listeners of one breaker and the events on their way to them. All listeners see event n before event n + 1,
 * also when one of them causes event n + 1.
 */
export class Listeners {
  readonly #errors: ErrorSink
  #listeners = NO_LISTENERS
  // What anybody hears: for all else no event is made.
  #wanted = NO_HOOKS
  #waiting: (readonly [Hook, CircuitEvents[Hook]])[] | undefined
  #delivering = false

  constructor(errors: ErrorSink) {
    this.#errors = errors
  }

  add(listener: AnyListener): void {
    if (this.#listeners.some((each) => each.listener === listener)) return
    const hooks = HOOKS.filter((hook) => typeof listener[hook] === 'function')
    this.#set([...this.#listeners, { listener, hooks }])
  }

  remove(listener: AnyListener): void {
    this.#set(this.#listeners.filter((each) => each.listener !== listener))
  }

  #set(listeners: readonly Subscription[]): void {
    this.#listeners = listeners
    this.#wanted = new Set(listeners.flatMap(({ hooks }) => hooks))
  }

  has(hook: Hook): boolean {
    return this.#wanted.has(hook) || channels[hook]?.hasSubscribers === true
  }

  /** Whether anybody wants to know how calls end, and so how long they take. */
  get hasOutcome(): boolean {
    return OUTCOMES.some((hook) => this.has(hook))
  }

  /** Puts an event in the queue. It stays there until the operation that caused it has done all that it does. */
  post<H extends Hook>(hook: H, event: CircuitEvents[H]): void {
    ;(this.#waiting ??= []).push([hook, event])
  }

  deliver(): void {
    if (this.#waiting === undefined || this.#delivering) return
    this.#delivering = true
    for (const [hook, event] of this.#waiting) {
      for (const { listener } of this.#listeners) this.#call(listener, hook, event)
      publish(hook, event)
    }
    this.#waiting = undefined
    this.#delivering = false
  }

  #call(listener: AnyListener, hook: Hook, event: CircuitEvents[Hook]): void {
    try {
      const hear = listener[hook] as ((event: object) => unknown) | undefined
      if (typeof hear === 'function') {
        handleRejection(hear.call(listener, event), (error) => this.#errors.report(error))
      }
    } catch (error) {
      this.#errors.report(error)
    }
  }
}

function publish<H extends Hook>(hook: H, event: CircuitEvents[H]): void {
  channels[hook]?.publish(event)
}
