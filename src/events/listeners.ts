import { handleRejection } from '../base/outcome.ts'
import type { ErrorSink } from '../base/error-sink.ts'
import { channels } from './diagnostics.ts'
import type { CircuitEvents, Hook } from './events.ts'

/** A listener, for whichever class of breaker it was written. */
export type AnyListener = { readonly [H in Hook]?: ((event: never) => unknown) | undefined }

/** The events that receive the outcomes of calls, which include their durations. */
export const OUTCOMES: readonly Hook[] = ['success', 'failure', 'ignored', 'late']

/** The names of all listener methods. */
export const HOOKS: readonly Hook[] = [
  'beforeCall',
  ...OUTCOMES,
  'rejected',
  'fallback',
  'stateChange',
  'wouldTrip',
  'link',
]

/** A listener and the methods that it had when it was added. They are read once, since they may be getters. */
interface Subscription {
  readonly listener: AnyListener
  readonly hooks: readonly Hook[]
}

const NO_LISTENERS: readonly Subscription[] = []
const NO_HOOKS: ReadonlySet<Hook> = new Set()

/**
 * The listeners of one breaker, and a queue of their events. All listeners receive event n before event n + 1, even if
 * one of them causes event n + 1.
 */
export class Listeners {
  readonly #errors: ErrorSink
  #listeners = NO_LISTENERS
  // The events that at least one listener receives. No others are created.
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

  /** Whether anything receives this event. */
  has(hook: Hook): boolean {
    return this.#wanted.has(hook) || channels[hook]?.hasSubscribers === true
  }

  /** Adds an event to the queue. The operation that causes it calls `deliver` at its end. */
  post<H extends Hook>(hook: H, event: CircuitEvents[H]): void {
    ;(this.#waiting ??= []).push([hook, event])
  }

  /** Delivers all queued events, unless that is in progress. */
  deliver(): void {
    if (this.#waiting === undefined || this.#delivering) return
    this.#delivering = true
    for (const [hook, event] of this.#waiting) {
      for (const { listener } of this.#listeners) {
        try {
          const method = listener[hook] as ((event: object) => unknown) | undefined
          if (typeof method === 'function') {
            handleRejection(method.call(listener, event), (error) => this.#errors.report(error))
          }
        } catch (error) {
          this.#errors.report(error)
        }
      }
      channels[hook]?.publish(event as never)
    }
    this.#waiting = undefined
    this.#delivering = false
  }
}
