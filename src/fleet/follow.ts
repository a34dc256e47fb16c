import type { Circuit } from '../core/circuit.ts'
import type { RecordView } from '../storage/contract/replies.ts'
import { enterClosed, enterHalfOpen, enterIsolated, enterOpen } from '../core/transitions.ts'

/** Makes a circuit take over the state of its fleet. */
export function follow(circuit: Circuit, view: RecordView, cause: unknown): void {
  const { state, attempt, reason, remaining } = view
  const now = circuit.read(true)
  if (state === 'closed') {
    circuit.escalate(attempt)
    enterClosed(circuit, reason, now)
    return
  }
  if (state === 'open') {
    const opening = { reason, at: now, attempt, length: remaining ?? 0 }
    enterOpen(circuit, opening, cause, now, 'fleet')
    return
  }
  if (state === 'isolated') enterIsolated(circuit, now, reason, 'fleet')
  else enterHalfOpen(circuit, now, 'timeoutElapsed', 'fleet')
  circuit.escalate(attempt)
  circuit.tripReason = reason
  circuit.cause = cause
}

/** The fleet has lost the state that a circuit is in: it goes on alone, to the end of it (F12). */
export function keepOwn(circuit: Circuit): void {
  const { generation, tripReason, cause } = circuit
  if (generation.scope === 'local') return
  const now = circuit.read(true)
  const reason = tripReason ?? 'manual'
  if (generation.state === 'half-open') enterHalfOpen(circuit, now, 'timeoutElapsed')
  else if (generation.state === 'isolated') enterIsolated(circuit, now, reason)
  else {
    const length = generation.remaining(now, NaN)
    enterOpen(circuit, { reason, at: now, attempt: circuit.attempt(now), length }, cause)
  }
}

/** What a circuit goes by whose own opening the fleet has lost, and which is told of another one: the longer of both. */
export function honouring({ generation, time }: Circuit, view: RecordView): RecordView {
  if (generation.state !== 'open' || view.state === 'isolated') return view
  const own = generation.remaining(time.now(), NaN)
  const left = view.state === 'open' ? (view.remaining ?? 0) : 0
  return own > left ? { ...view, state: 'open', remaining: own } : view
}
