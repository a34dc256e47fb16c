import type { Circuit } from './circuit.ts'
import type { CircuitBreakerState } from './state.ts'

/** A transition by hand is legal from every state. A repeat is none, but may change what the state began with. */
function transition(
  circuit: Circuit,
  to: CircuitBreakerState,
  now: number,
  enter: () => void,
  repeat: () => void = () => {},
): boolean {
  if (circuit.options.mode !== 'enforce') return false
  const changes = circuit.state(now) !== to
  if (changes) enter()
  else repeat()
  circuit.wake()
  circuit.listeners.deliver()
  return changes
}

/** Opens for `length` ms; `undefined`: for as long as a trip would. */
export function openByHand(circuit: Circuit, length?: number, because?: string): boolean {
  if (circuit.options.mode !== 'enforce') return false
  const reason = because ?? 'manual'
  const at = circuit.read(true)
  const before = circuit.attempt(at)
  // By hand is no failed attempt to recover.
  const attempt = circuit.generation.state === 'closed' ? before + 1 : Math.max(1, before)
  const opening = { reason, at, attempt, length: length ?? circuit.openTime(reason, attempt) }
  const enter = (): void => {
    circuit.endOpening(at)
    circuit.enterOpen(opening)
  }
  return transition(circuit, 'open', at, enter, () => {
    circuit.postpone(opening.length, at)
    circuit.tripReason = because ?? circuit.tripReason
  })
}

export function halfOpenByHand(circuit: Circuit, because = 'manual'): boolean {
  const now = circuit.read(true)
  return transition(circuit, 'half-open', now, () => circuit.enterHalfOpen(now, because))
}

export function isolateByHand(circuit: Circuit, because?: string): boolean {
  const now = circuit.read(true)
  const enter = (): void => circuit.enterIsolated(now, because ?? 'manual')
  return transition(circuit, 'isolated', now, enter, () => {
    circuit.tripReason = because ?? circuit.tripReason
  })
}

export function closeByHand(circuit: Circuit, because = 'manual'): boolean {
  const now = circuit.read()
  const enter = (): void => circuit.enterClosed(because)
  return transition(circuit, 'closed', now, enter, () => circuit.clear())
}
