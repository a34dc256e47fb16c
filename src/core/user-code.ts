import { CircuitBreakerError } from '../base/errors.ts'
import { classify, handleRejection, toPredicate, type Predicate } from '../base/outcome.ts'
import { handOver, renderError, warn, type ErrorSink } from '../base/error-sink.ts'
import type { Outcome } from '../base/state.ts'
import { check } from '../base/validate.ts'
import type { Failure } from './opening.ts'
import { openTime, type CircuitOptions } from './options.ts'

const DEFAULT_OPEN_TIME = 60_000
const NO_PREDICATES: readonly Predicate[] = []

/** The circuit that asks. It ignores its own rejections. */
interface Owner {
  readonly options: CircuitOptions
}

/**
 * The user's functions that a circuit asks. What they throw reaches no call, and a bad answer never wedges the circuit.
 */
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

  /** What the result or the error of a call means. */
  classify(threw: boolean, payload: unknown): Outcome {
    if (threw && CircuitBreakerError.isFrom(payload, this.#owner)) return 'ignored'
    try {
      return classify(this.#owner.options, this.#excluded, threw, payload)
    } catch (error) {
      this.report(error)
      return 'ignored'
    }
  }

  /** How long an opening lasts, in milliseconds. */
  openTime(reason: string, attempt: number, failure?: Failure): number {
    const { timeoutDuration, random } = this.#owner.options
    if (typeof timeoutDuration === 'number') return timeoutDuration
    try {
      const length = timeoutDuration({ attempt, reason, random: () => draw(random), ...failure })
      handleRejection(length)
      openTime(length, 'timeoutDuration()')
      return length
    } catch (error) {
      this.report(error)
      return DEFAULT_OPEN_TIME
    }
  }

  /** Takes what user code threw. */
  report(error: unknown): void {
    const { name, onListenerError } = this.#owner.options
    if (handOver(onListenerError, error) || this.#warned) return
    this.#warned = true
    warn(`${name}: ${renderError(error)} (further errors are not shown; onListenerError hears of all)`)
  }
}

function draw(random: () => number): number {
  const drawn = random()
  handleRejection(drawn)
  check(typeof drawn === 'number' && drawn >= 0 && drawn <= 1, 'random()', 'a number from 0 up to 1', drawn)
  return drawn
}
