import type { Circuit } from './circuit.ts'
import type { Outcome } from '../base/state.ts'

/** How a call ended, for those who count calls. */
export type CallEnd = Outcome | 'late' | 'rejected'

/**
 * Told of every end of a call, as part of the call and without an event being made: for a monitor, which must be
 * cheap. It must not throw and must not call the breaker.
 */
export interface Recorder {
  /** `duration` in ms, NaN where it says nothing about the dependency; `now` by the breaker's own time. */
  record(end: CallEnd, duration: number, now: number): void
}

/** Begins to record. Returns what ends it. */
export function attach(circuit: Circuit, recorder: Recorder): () => void {
  circuit.recorders = [...circuit.recorders, recorder]
  circuit.refresh()
  return () => {
    circuit.recorders = circuit.recorders.filter((each) => each !== recorder)
    circuit.refresh()
  }
}
