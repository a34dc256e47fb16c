import { MANUAL } from '../base/state.ts'
import type { Circuit } from '../core/circuit.ts'
import type { Transition } from '../core/machine.ts'
import { toClosed, toHalfOpen, toOpen } from '../core/transitions.ts'
import type { RecordView } from '../storage/contract/replies.ts'

/** Moves a circuit to the state of its fleet. */
export function applyRecord(circuit: Circuit, view: RecordView, cause: Error | undefined): void {
  circuit.enter(toState(circuit, view, cause))
}

function toState(circuit: Circuit, view: RecordView, cause: Error | undefined): Transition {
  const { state, attempt, reason, remaining } = view
  const at = circuit.read()
  if (state === 'closed') return toClosed(circuit, reason, attempt, at)
  if (state === 'half-open') {
    return { ...toHalfOpen(circuit, attempt, 'timeoutElapsed', 'fleet'), tripReason: reason, cause }
  }
  const length = state === 'open' ? (remaining ?? 0) : Infinity
  return toOpen(circuit, { reason, at, attempt, length, cause }, at, 'fleet')
}

/** Makes a circuit honor by itself, to its end, a state that the record has lost (F12). */
export function continueLocally(circuit: Circuit): void {
  const { generation, tripReason, cause } = circuit
  if (generation.scope === 'local') return
  const at = circuit.read()
  const attempt = circuit.attempt(at)
  if (generation.state === 'half-open') circuit.enter(toHalfOpen(circuit, attempt, 'timeoutElapsed'))
  else {
    const opening = { reason: tripReason ?? MANUAL, at, attempt, length: generation.remaining(at), cause }
    circuit.enter(toOpen(circuit, opening))
  }
}

/** Returns the view of a record that has lost the circuit's opening, with the longer of both openings (F12). */
export function withLongerOpening({ generation, time, escalation }: Circuit, view: RecordView): RecordView {
  if (generation.state !== 'open' || view.state === 'isolated') return view
  const own = generation.remaining(time.now())
  const left = view.state === 'open' ? (view.remaining ?? 0) : 0
  const attempt = Math.max(view.attempt, escalation)
  return own > left ? { ...view, state: 'open', remaining: own, attempt } : view
}
