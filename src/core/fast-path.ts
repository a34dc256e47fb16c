import type { MonotonicTime } from '../base/clock.ts'
import type { Outcome } from '../base/state.ts'
import { Rejected } from '../base/rejected.ts'
import type { ClosedGeneration, FastPath, Handlers } from './generation/closed.ts'
import { CallPermit, type PermitOwner } from './permit.ts'
import type { CallEnd } from './ports.ts'
import type { GuardedRequest, Whole } from './request.ts'

/** What the timed fast path needs from its circuit. */
interface Owner extends PermitOwner {
  readonly time: MonotonicTime
  readonly generation: object
  readonly fastPath: FastPath | undefined
  measure(end: CallEnd, duration: number, now: number): void
}

/**
 * The fast path of a circuit that measures how long each call takes. A class, so that engines can inline `admit` where
 * they meet circuits of both kinds.
 */
export class TimedCalls implements FastPath {
  readonly #circuit: Owner
  readonly #generation: ClosedGeneration

  constructor(circuit: Owner, generation: ClosedGeneration) {
    this.#circuit = circuit
    this.#generation = generation
  }

  admit(): Handlers | undefined {
    const start = this.#circuit.time.now()
    if (this.#circuit.fastPath !== this) return undefined // the clock, which is user code, has changed the circuit
    this.#generation.admit()
    return {
      start,
      onFulfilled: (value) => {
        this.#succeed(start, value)
        return value
      },
      onRejected: (error, outcome) => {
        this.#settle(start, true, error, outcome)
        return new Rejected(error)
      },
    }
  }

  #succeed(start: number, value: unknown): void {
    const circuit = this.#circuit
    const generation = this.#generation
    if (generation === circuit.generation && generation.countsOnly) {
      const now = circuit.time.now()
      if (generation === circuit.generation) {
        generation.succeed(now)
        circuit.measure('success', now - start, now)
        return
      }
    }
    this.#settle(start, false, value)
  }

  #settle(start: number, threw: boolean, payload: unknown, outcome?: Outcome): void {
    const permit = new CallPermit(this.#circuit, this.#generation, start)
    this.#circuit.settle(this.#generation, permit, threw, payload, outcome)
  }
}

/** A call of a guarded method on the fast path. It gets a permit when it absorbs another call. */
export class MethodCall implements GuardedRequest {
  readonly #circuit: Owner
  readonly #generation: ClosedGeneration
  readonly #call: Handlers
  #permit: CallPermit | undefined
  hasChanged = false

  constructor(circuit: Owner, generation: ClosedGeneration, call: Handlers) {
    this.#circuit = circuit
    this.#generation = generation
    this.#call = call
  }

  admit(): undefined {}

  /** Returns undefined: a probe has a permit from the start. */
  probe(): undefined {}

  absorb(): Whole | undefined {
    this.#permit ??= new CallPermit(this.#circuit, this.#generation, this.#call.start)
    return this.#permit.absorb()
  }

  /** What settles the call and passes its result on. */
  get handlers(): Handlers {
    return this.#permit?.handlers ?? this.#call
  }
}
