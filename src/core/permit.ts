import type { CircuitBreakerError } from '../base/errors.ts'
import { Rejected } from '../base/rejected.ts'
import type { EnclosingCall, Enclosure } from './enclosure.ts'
import type { Handlers } from './generation/closed.ts'
import type { Admitting } from './generation/generation.ts'
import type { Lease, Probe } from './generation/probe.ts'
import { runInProbe, type EnclosingProbe } from './probe-scope.ts'
import type { Outcome } from '../base/state.ts'

/**
 * Permission for one call that you execute and settle yourself, for streams, interceptors and callbacks. Settle it
 * once. Each method returns whether the result was applied: `false` if the permit is late or already settled.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, exponentialBackoff } from 'recloser'
 *
 * const breaker = new CircuitBreaker({ timeoutDuration: exponentialBackoff({ initial: 1_000, max: 60_000 }) })
 * const permit = breaker.acquire() // throws a CircuitBreakerError while the circuit is open
 * try {
 *   // `callTimeout` does not limit a permit, so the request has a timeout of its own.
 *   const response = await fetch('http://127.0.0.1:1/price', { signal: AbortSignal.timeout(2_000) })
 *   if (response.ok) permit.success()
 *   else permit.failure(new Error(`HTTP ${response.status}`))
 * } catch (error) {
 *   permit.failure(error)
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
  readonly userCode: { classify(threw: boolean, payload: unknown): Outcome }
  settle(
    generation: Admitting | undefined,
    permit: CallPermit,
    threw: boolean,
    payload: unknown,
    outcome?: Outcome,
  ): boolean
  renew(generation: Admitting | undefined, permit: CallPermit): void
  isCurrent(generation: Admitting | undefined, permit: CallPermit): boolean
  enclose<R>(request: Enclosure, fn: () => R): R
}

/** The state of one call, for calls that need any. */
export class CallPermit implements Probe, EnclosingProbe, Enclosure {
  /** When the call started, in the breaker's time; `undefined` if nothing needs its duration. */
  readonly start: number | undefined
  deadline: number | undefined
  /** The lease, if the call is a probe of the fleet. */
  lease: Lease | undefined
  /** Whether the consumer determines the duration, which then says nothing about the dependency. */
  paced = false
  /** Whether a generator waits for its consumer, so that the dependency is not to blame for the time that passes. */
  waiting = false
  /** The duration in milliseconds, if it does not extend until the call is settled. */
  duration: number | undefined
  /** The outcome of the call, also if it was late. */
  outcome: Outcome | undefined
  /** The error that replaces the call's own, with `errorOnTrip`. */
  tripError: CircuitBreakerError | undefined
  readonly #circuit: PermitOwner
  readonly #generation: Admitting | undefined
  /** The request or the probe that the call is part of, if it was made inside of one. */
  readonly #outer: EnclosingCall | undefined
  #settled = false
  #failed = false

  /** Without a `generation` the result is not counted. */
  constructor(circuit: PermitOwner, generation?: Admitting, start?: number, outer?: EnclosingCall) {
    this.#circuit = circuit
    this.#generation = generation
    this.start = start
    this.#outer = outer
  }

  /** Settles the call. `outcome` is given if the result needs no classification. */
  settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    const outer = this.#outer
    if (!outer && !this.#failed) {
      return this.#circuit.settle(this.#generation, this, threw, payload, outcome)
    }
    this.outcome = outcome ?? this.#circuit.userCode.classify(threw, payload)
    if (!outer) return false
    // A part that fails fails the whole, even if the task catches its error.
    return this.outcome !== 'failure' || outer.fail(threw, payload)
  }

  /** Fails the call, since a part of it has failed. Its own end then decides only what its caller gets. */
  fail(threw: boolean, payload: unknown): boolean {
    if (this.#settled || this.#failed) return false
    this.#failed = true
    return this.#circuit.settle(this.#generation, this, threw, payload, 'failure')
  }

  /** Runs code of the call. While the call is a probe, calls of the same breaker in it are part of the probe. */
  run<R>(fn: () => R): R {
    return this.deadline !== undefined && this.enter() ? runInProbe(this, fn) : fn()
  }

  /** Runs the synchronous part of a request: calls of the same breaker in it are part of the request, in every state. */
  enclose<R>(fn: () => R): R {
    return this.#circuit.enclose(this, fn)
  }

  admit(): undefined {}

  enter(): EnclosingCall | undefined {
    if (this.#outer) return this.#outer.enter()
    return !this.#settled && this.#circuit.isCurrent(this.#generation, this) ? this : undefined
  }

  /** What settles the call and passes its result on. */
  get handlers(): Handlers {
    return {
      onFulfilled: (value) => {
        this.settle(false, value)
        return value
      },
      onRejected: (error, outcome) => {
        this.settle(true, error, outcome)
        return new Rejected(this.tripError ?? error)
      },
    }
  }

  /** Whether it is a call of `circuit`. */
  isOf(circuit: object): boolean {
    return this.#circuit === circuit
  }

  /** Renews the lease of a probe: the call has shown a sign of life. */
  renew(): void {
    if (this.#outer) this.#outer.renew()
    else this.#circuit.renew(this.#generation, this)
  }
}

/** The permit that users get: all that they may do with a call, and nothing that they could change. */
export class UserPermit implements Permit {
  readonly #call: CallPermit

  constructor(call: CallPermit) {
    this.#call = call
  }

  success(...value: [value?: unknown]): boolean {
    return this.#call.settle(false, value[0], value.length ? undefined : 'success')
  }

  failure(...error: [error?: unknown]): boolean {
    return this.#call.settle(true, error[0], error.length ? undefined : 'failure')
  }

  ignore(): boolean {
    return this.#call.settle(false, undefined, 'ignored')
  }

  [Symbol.dispose](): void {
    this.ignore()
  }
}
