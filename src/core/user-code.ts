import { CircuitBreakerError } from '../base/errors.ts'
import { classify, handleRejection, toPredicate, type Classification } from '../base/outcome.ts'
import { handOver, renderError, warn, type Reporter } from '../base/reporter.ts'
import type { Outcome } from '../base/state.ts'
import { check } from '../base/validate.ts'
import type { Failure } from './opening.ts'
import { openTime, type CircuitOptions } from './options.ts'

const DEFAULT_OPEN_TIME = 60_000

/** The user's functions that a circuit asks. What they throw reaches no call, and a bad answer never wedges the circuit. */
export class UserCode implements Reporter {
  readonly #owner: object
  #options!: CircuitOptions
  #classification!: Classification
  #warned = false

  /** `owner`: the circuit, which ignores its own rejections. */
  constructor(owner: object, options: CircuitOptions) {
    this.#owner = owner
    this.configure(options)
  }

  configure(options: CircuitOptions): void {
    const { exclude, classifyError, classifyResult } = options
    this.#options = options
    this.#classification = { excluded: exclude.map(toPredicate), classifyError, classifyResult }
  }

  /** What the result or the error of a call means. */
  classify(threw: boolean, payload: unknown): Outcome {
    if (threw && CircuitBreakerError.isFrom(payload, this.#owner)) return 'ignored'
    try {
      return classify(this.#classification, threw, payload)
    } catch (error) {
      this.report(error)
      return 'ignored'
    }
  }

  /** How long an opening lasts, in milliseconds. */
  openTime(reason: string, attempt: number, failure?: Failure): number {
    const { timeoutDuration, random } = this.#options
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
    const { name, onListenerError } = this.#options
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
