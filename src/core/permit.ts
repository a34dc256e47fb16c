import type { Admitting } from './generation/generation.ts'
import type { CircuitBreakerError } from '../base/errors.ts'
import type { Lease, Probe } from './generation/probe.ts'
import type { Outcome } from '../base/state.ts'

/**
 * Leave for one call that you make and judge yourself: for streams, interceptors and callbacks. Settle it once;
 * every method returns whether that was applied: `false` when the permit is late or already settled.
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
 *   permit[Symbol.dispose]() // gives it back if nothing else did
 * }
 * ```
 */
export interface Permit extends Disposable {
  /** The call succeeded. With an argument, it is classified like the result of a call. */
  success(...value: [value?: unknown]): boolean
  /** The call failed. With an argument, it is classified like the error of a call. */
  failure(...error: [error?: unknown]): boolean
  /** The call says nothing about the dependency: gives the place back. */
  ignore(): boolean
  /** The same as `ignore()`. */
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

/** The state of one call, where it needs any. */
export class CallPermit implements Permit, Probe {
  /** When the call began; `undefined` if nobody wants to know how long it takes. */
  readonly start: number | undefined
  deadline: number | undefined
  /** The fleet's leave, if it is a probe of the fleet. */
  lease: Lease | undefined
  /** Whether the call goes at the pace of its consumer, which says nothing about the dependency. */
  paced = false
  /** How long the call took, in milliseconds, where that is not until it is settled. */
  duration: number | undefined
  /** What the call was judged to be, also where that came late. */
  outcome: Outcome | undefined
  /** What its caller gets in place of its error, under `errorOnTrip`. */
  tripError: CircuitBreakerError | undefined
  readonly #circuit: PermitOwner
  readonly #generation: Admitting | undefined
  #settled = false

  /** Without a `generation` the result counts for nothing. */
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

  /** `outcome`: where the result needs no classifying. */
  settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    return this.#circuit.settle(this.#generation, this, threw, payload, outcome)
  }

  /** A sign of life: the lease of a probe begins anew. */
  renew(): void {
    this.#circuit.renew(this.#generation, this)
  }
}
