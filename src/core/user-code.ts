import { CircuitBreakerError } from '../base/errors.ts'
import { handleRejection, readAnswer, readOutcome, toPredicate, type Predicate } from '../base/outcome.ts'
import { handOver, renderError, warn, type ErrorSink } from '../base/error-sink.ts'
import type { Outcome } from '../base/state.ts'
import { check } from '../base/validate.ts'
import type { Failure } from './opening.ts'
import { openTime, type CircuitOptions } from './options.ts'

const DEFAULT_OPEN_TIME = 60_000
const NO_PREDICATES: readonly Predicate[] = []

/** The circuit, whose own rejections are ignored. */
interface Owner {
  readonly options: CircuitOptions
}

/** Runs the user's functions for a circuit. What they throw never reaches a call; an invalid answer is reported. */
export class UserCode implements ErrorSink {
  readonly #owner: Owner
  #excluded = NO_PREDICATES
  #warned = false

  constructor(owner: Owner) {
    this.#owner = owner
    this.configure()
  }

  /** The options have changed. */
  configure(): void {
    const { exclude } = this.#owner.options
    this.#excluded = exclude.length > 0 ? exclude.map(toPredicate) : NO_PREDICATES
  }

  /** Classifies the result or the error of a call. */
  classify(threw: boolean, payload: unknown): Outcome {
    const { classifyError, classifyResult } = this.#owner.options
    if (!threw) return this.ask(classifyResult, payload, readOutcome) ?? 'success'
    if (CircuitBreakerError.isFrom(payload, this.#owner)) return 'ignored'
    for (const isExcluded of this.#excluded) if (this.ask(isExcluded, payload, readAnswer)) return 'ignored'
    return this.ask(classifyError, payload, readOutcome) ?? 'failure'
  }

  /**
   * Returns what a function answers; `undefined` if there is none, or if it throws. A predicate throws
   * for the very errors that an outage brings, which it must not hide from the trip rule.
   */
  ask<T, A>(ask: ((value: T) => unknown) | undefined, value: T, read: (answer: unknown) => A): A | undefined {
    try {
      return ask && read(ask(value))
    } catch (error) {
      this.report(error)
      return undefined
    }
  }

  /** Returns the open time in milliseconds; 60,000 if the user's function fails. */
  openTime(reason: string, attempt: number, failure?: Failure): number {
    const { timeoutDuration, random } = this.#owner.options
    if (typeof timeoutDuration === 'number') return timeoutDuration
    const about = { attempt, reason, random: () => draw(random), ...failure }
    return this.ask(timeoutDuration, about, readOpenTime) ?? DEFAULT_OPEN_TIME
  }

  /** Passes an error of user code to `onListenerError`. Without it, emits one process warning. */
  report(error: unknown): void {
    const { name, onListenerError } = this.#owner.options
    if (handOver(onListenerError, error) || this.#warned) return
    this.#warned = true
    warn(`${name}: ${renderError(error)} (shown once; onListenerError receives all)`)
  }
}

function readOpenTime(length: unknown): number {
  handleRejection(length)
  openTime(length, 'timeoutDuration()')
  return length as number
}

function draw(random: () => number): number {
  const drawn = random()
  handleRejection(drawn)
  check(typeof drawn === 'number' && drawn >= 0 && drawn <= 1, 'random()', 'a number from 0 up to 1', drawn)
  return drawn
}
