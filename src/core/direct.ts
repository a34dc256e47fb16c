import type { Circuit } from './circuit.ts'
import type { ClosedGeneration } from './generation/closed.ts'
import type { Outcome } from '../base/state.ts'

/** Takes the result of one call and hands it on, as the handlers of a promise do. */
export interface Handlers {
  readonly onFulfilled: <T>(value: T) => T
  /** `told`: the outcome, where that needs no classifying. */
  readonly onRejected: (error: unknown, told?: Outcome) => never
}

/** Admits direct calls: those of a closed circuit that need no permit, since nobody asks more than what became of them. */
export interface DirectCalls {
  /** Admits one; `undefined` if the circuit has changed meanwhile. */
  begin(): Handlers | undefined
}

/** The direct calls of a circuit that wants to know how long each takes. */
export class TimedCalls implements DirectCalls {
  readonly #circuit: Circuit
  readonly #generation: ClosedGeneration

  constructor(circuit: Circuit, generation: ClosedGeneration) {
    this.#circuit = circuit
    this.#generation = generation
  }

  begin(): Handlers | undefined {
    const circuit = this.#circuit
    const generation = this.#generation
    const start = circuit.time.now()
    if (circuit.direct !== this) return undefined // the clock is user code
    generation.inFlight++
    return {
      onFulfilled: (value) => {
        circuit.succeed(generation, start, value)
        return value
      },
      onRejected: (error, told) => {
        circuit.fail(generation, start, error, told)
        throw error
      },
    }
  }
}
