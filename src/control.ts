import type { Circuit, Opening } from './circuit.ts'
import type { CircuitBreakerState } from './state.ts'

/** A transition by hand is legal from every state. A repeat is none, but may change what the state began with. */
function transition(
  circuit: Circuit,
  to: CircuitBreakerState,
  enter: (now: number) => void,
  repeat?: (now: number) => void,
): boolean {
  if (circuit.options.mode !== 'enforce') return false
  const now = circuit.read(true)
  const changes = circuit.generation.state !== to
  if (changes) enter(now)
  else repeat?.(now)
  circuit.listeners.deliver()
  return changes
}

/** Opens for `length` ms; `undefined`: for as long as a trip would. */
export function openByHand(circuit: Circuit, length?: number, because?: string): boolean {
  // An opening that is over is half-open for everybody to see: it can be opened again.
  if (circuit.generation.state === 'open' && circuit.state() === 'half-open') circuit.enterHalfOpen()
  const reason = because ?? 'manual'
  const plan = (at: number): Opening => {
    const before = circuit.attempt(at)
    // By hand is no failed attempt to recover.
    const attempt = circuit.generation.state === 'closed' ? before + 1 : Math.max(1, before)
    return { reason, at, attempt, length: length ?? circuit.openTime(reason, attempt) }
  }
  const enter = (now: number): void => circuit.enterOpen(plan(now))
  return transition(circuit, 'open', enter, (now) => {
    const { generation } = circuit
    if (generation.state === 'open') generation.start(plan(now).length, Date.now(), now)
    circuit.tripReason = because ?? circuit.tripReason
  })
}

export function halfOpenByHand(circuit: Circuit, because = 'manual'): boolean {
  return transition(circuit, 'half-open', () => circuit.enterHalfOpen(because))
}

export function isolateByHand(circuit: Circuit, because?: string): boolean {
  const enter = (): void => circuit.enterIsolated(because ?? 'manual')
  return transition(circuit, 'isolated', enter, () => {
    circuit.tripReason = because ?? circuit.tripReason
  })
}

export function closeByHand(circuit: Circuit, because = 'manual'): boolean {
  return transition(
    circuit,
    'closed',
    () => circuit.enterClosed(because),
    () => circuit.clear(),
  )
}
