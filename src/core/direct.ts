import type { MonotonicTime } from '../base/clock.ts'
import type { Outcome } from '../base/state.ts'
import type { ClosedGeneration } from './generation/closed.ts'
import type { DirectCalls, Handlers } from './generation/direct-calls.ts'

/** What timed calls need from their circuit. */
interface Owner {
  readonly time: MonotonicTime
  readonly direct: DirectCalls | undefined
  succeed(generation: ClosedGeneration, start: number, value: unknown): void
  fail(generation: ClosedGeneration, start: number, error: unknown, told?: Outcome): void
}

/** The direct calls of a circuit that wants to know how long each takes. */
export class TimedCalls implements DirectCalls {
  readonly #circuit: Owner
  readonly #generation: ClosedGeneration

  constructor(circuit: Owner, generation: ClosedGeneration) {
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
