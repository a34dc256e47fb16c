import type { Admitting } from './generation/generation.ts'
import type { CircuitBreakerError } from '../base/errors.ts'
import type { Lease, Probe } from './generation/probe.ts'
import type { Outcome } from '../base/state.ts'

/**
 * Permission for one call that you execute and settle yourself, for streams, interceptors and callbacks. Settle it
 * once. Each method returns whether the result was applied: `false` if the permit is late or already settled.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 *
 * const breaker = new CircuitBreaker()
 * const permit = breaker.acquire()
 * try {
 *   const response = await fetch('https://example.com').catch(() => undefined)
 *   if (response?.ok) permit.success()
 *   else permit.failure()
 * } finally {
 *   permit[Symbol.dispose]() // settles it as ignored, if nothing else has settled it
 * }
 * ```
 */
export interface Permit extends Disposable {
  /** Settles the call as a success. An argument is classified like the result of a call. */
  success(...value: [value?: unknown]): boolean
  /** Settles the call as a failure. An argument is classified like the error of a call. */
  failure(...error: [error?: unknown]): boolean
  /** Settles the call as ignored: it says nothing about the dependency. */
  ignore(): boolean
  /** Calls `ignore()`, for `using`. */
  [Symbol.dispose](): void
}

/** What a permit needs from its circuit. */
export interface PermitOwner {
  settle(
    generation: Admitting | undefined,
    permit: CallPermit,
    threw: boolean,
    payload: unknown,
    outcome?: Outcome,
  ): boolean
  renew(generation: Admitting | undefined, permit: CallPermit): void
}

/** The state of one call, for calls that need any. */
export class CallPermit implements Permit, Probe {
  /** When the call started, in the breaker's time; `undefined` if nothing needs its duration. */
  readonly start: number | undefined
  deadline: number | undefined
  /** The lease, if the call is a probe of the fleet. */
  lease: Lease | undefined
  /** Whether the consumer determines the duration, which then says nothing about the dependency. */
  paced = false
  /** The duration in milliseconds, if it does not extend until the call is settled. */
  duration: number | undefined
  /** The outcome of the call, also if it was late. */
  outcome: Outcome | undefined
  /** The error that replaces the call's own, with `errorOnTrip`. */
  tripError: CircuitBreakerError | undefined
  readonly #circuit: PermitOwner
  readonly #generation: Admitting | undefined
  #settled = false

  /** Without a `generation` the result is not counted. */
  constructor(circuit: PermitOwner, generation?: Admitting, start?: number) {
    this.#circuit = circuit
    this.#generation = generation
    this.start = start
  }

  success(...value: [value?: unknown]): boolean {
    return this.settle(false, value[0], value.length ? undefined : 'success')
  }

  failure(...error: [error?: unknown]): boolean {
    return this.settle(true, error[0], error.length ? undefined : 'failure')
  }

  ignore(): boolean {
    return this.settle(false, undefined, 'ignored')
  }

  [Symbol.dispose](): void {
    this.ignore()
  }

  /** Settles the call. `outcome` is given if the result needs no classification. */
  settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    return this.#circuit.settle(this.#generation, this, threw, payload, outcome)
  }

  /** Renews the lease of a probe: the call has shown a sign of life. */
  renew(): void {
    this.#circuit.renew(this.#generation, this)
  }
}
