import type { CircuitBreakerError } from '../base/errors.ts'
import { Rejected } from '../base/rejected.ts'
import type { Handlers } from './generation/closed.ts'
import type { Admitting } from './generation/generation.ts'
import type { Lease, Probe } from './generation/probe.ts'
import { runInProbe, type EnclosingProbe } from './probe-scope.ts'
import type { GuardedRequest, Whole } from './request.ts'
import type { Outcome } from '../base/state.ts'

/**
 * Permission for one call that you execute and settle yourself, for streams, interceptors and callbacks. Settle it
 * once. Each method returns whether the result was applied: `false` if the permit is late or already settled. The result
 * of a call that is part of another, such as of a probe, is applied to that call.
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
  release(generation: Admitting): boolean
  renew(generation: Admitting | undefined, permit: CallPermit): void
  isCurrent(generation: Admitting | undefined, permit: CallPermit): boolean
  enclose<R>(request: GuardedRequest, fn: () => R): R
}

/** The state of one call, for calls that need any. */
export class CallPermit implements Probe, EnclosingProbe {
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
  readonly whole: Whole | undefined
  // Only requests have these. Initializing them would make every permit larger.
  declare hasChanged: boolean | undefined
  declare part: 'open' | 'ended' | undefined
  #settled = false
  #failed = false

  /**
   * @param generation without one the result is not counted
   * @param whole the call that this one is part of
   */
  constructor(circuit: PermitOwner, generation?: Admitting, start?: number, whole?: Whole) {
    this.#circuit = circuit
    this.#generation = generation
    this.start = start
    this.whole = whole
  }

  /** Settles the call. `outcome` is given if the result needs no classification. */
  settle(threw: boolean, payload: unknown, outcome?: Outcome): boolean {
    if (this.#settled) return false
    this.#settled = true
    if (!this.#failed) return this.#count(threw, payload, outcome)
    this.outcome = outcome ?? this.#circuit.userCode.classify(threw, payload)
    return false
  }

  /** Fails the call, since a part of it has failed. Its own end then decides only what its caller gets. */
  fail(threw: boolean, payload: unknown): boolean {
    if (this.#settled || this.#failed) return false
    this.#failed = true
    return this.#count(threw, payload, 'failure')
  }

  #count(threw: boolean, payload: unknown, given?: Outcome): boolean {
    const circuit = this.#circuit
    const generation = this.#generation
    const whole = this.#countsWith()
    if (!generation || !(whole || this.part)) {
      return circuit.settle(generation, this, threw, payload, given)
    }
    const outcome = given ?? circuit.userCode.classify(threw, payload)
    const isPart = whole && (generation.state !== 'closed' || whole.outcome !== 'success')
    // A request that succeeds before its part has ended leaves the count to the part, whose answer may still break off.
    // A lease must be settled.
    const leaves = this.part === 'open' && outcome === 'success' && !this.lease
    if (whole && !leaves) whole.part = 'ended'
    if (!isPart && !leaves) return circuit.settle(generation, this, threw, payload, outcome)
    this.outcome = outcome
    const inTime = generation.state !== 'closed' || circuit.release(generation)
    // A part that fails fails the whole, even if the task catches its error.
    return isPart && outcome === 'failure' ? whole.fail(threw, payload) : inTime
  }

  /** Returns the call that this one counts with. What a part has left behind counts with the request of that part. */
  #countsWith(): Whole | undefined {
    let { whole } = this
    while (whole?.outcome === 'success' && whole.whole) whole = whole.whole
    return whole
  }

  /** Runs code of the call. While the call is a probe, calls of the same breaker in it are part of the probe. */
  run<R>(fn: () => R): R {
    return this.deadline !== undefined && this.probe() ? runInProbe(this, fn) : fn()
  }

  /** Runs the synchronous part of a request. */
  enclose<R>(fn: () => R): R {
    return this.#isCurrent() ? this.#circuit.enclose(this, fn) : fn()
  }

  admit(): undefined {}

  probe(): Whole | undefined {
    return this.#isCurrent() ? this : undefined
  }

  absorb(): Whole | undefined {
    if (this.part || !this.#isCurrent()) return undefined
    this.part = 'open'
    return this
  }

  #isCurrent(): boolean {
    return !this.#settled && this.#circuit.isCurrent(this.#generation, this)
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
    if (this.whole) this.whole.renew()
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
