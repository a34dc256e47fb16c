import type { MonotonicTime } from '../base/clock.ts'
import type { Outcome } from '../base/state.ts'
import type { ClosedGeneration, FastPath } from './generation/closed.ts'
import { CallPermit, type PermitOwner } from './permit.ts'
import type { CallEnd } from './ports.ts'

/** What the timed fast path needs from its circuit. */
interface Owner extends PermitOwner {
  readonly time: MonotonicTime
  readonly generation: object
  readonly fastPath: FastPath | undefined
  measure(end: CallEnd, duration: number, now: number): void
}

/** Creates the fast path of a circuit that measures how long each call takes. */
export function timedCalls(circuit: Owner, generation: ClosedGeneration): FastPath {
  const settle = (start: number, threw: boolean, payload: unknown, outcome?: Outcome): void => {
    circuit.settle(generation, new CallPermit(circuit, generation, start), threw, payload, outcome)
  }

  const succeed = (start: number, value: unknown): void => {
    if (generation === circuit.generation && generation.countsOnly) {
      const now = circuit.time.now()
      if (generation === circuit.generation) {
        generation.succeed(now)
        circuit.measure('success', now - start, now)
        return
      }
    }
    settle(start, false, value)
  }

  const path: FastPath = {
    admit() {
      const start = circuit.time.now()
      if (circuit.fastPath !== path) return undefined // the clock, which is user code, has changed the circuit
      generation.admit()
      return {
        onFulfilled(value) {
          succeed(start, value)
          return value
        },
        onRejected(error, outcome) {
          settle(start, true, error, outcome)
          throw error
        },
      }
    },
  }
  return path
}
