import { systemClock } from '../base/clock.ts'
import { Escalation } from './escalation.ts'
import { ClosedGeneration, type PeriodOwner } from './generation/closed.ts'
import { HalfOpenGeneration } from './generation/half-open.ts'
import type { Generation } from './generation/generation.ts'
import { OpenGeneration } from './generation/open.ts'
import type { Opening } from './opening.ts'
import type { CircuitOptions } from './options.ts'
import type { FleetMember } from './ports.ts'
import type { RestorableState } from './snapshot.ts'
import type { Scope } from '../base/state.ts'
import { beginRule } from '../trip/rule.ts'

/** What a transition reads and changes of a circuit. */
interface Transitioning extends PeriodOwner {
  readonly options: CircuitOptions
  readonly generation: Generation
  readonly member: FleetMember | undefined
  tripReason: string | null
  cause: unknown
  escalation: Escalation | undefined
  attempt(now: number): number
  escalate(attempt: number): void
  forget(): void
  enter(next: Generation, reason: string, at?: number): void
}

/** The generation that a breaker begins with; `restored`: where it goes on. */
export function begin(circuit: Transitioning, restored: RestorableState | undefined): Generation {
  const { mode, trip } = circuit.options
  if (!restored || mode !== 'enforce') return new ClosedGeneration(circuit, beginRule(trip))
  const { state, attempt, tripReason, failCounter, retryAfter, takenAt } = restored
  if (attempt > 0) circuit.escalation = new Escalation(attempt, takenAt)
  circuit.tripReason = tripReason
  if (state === 'closed') return new ClosedGeneration(circuit, beginRule(trip), failCounter)
  if (state === 'half-open') return new HalfOpenGeneration(circuit.options)
  return newOpening(circuit, state).start(retryAfter ?? Infinity, takenAt)
}

/** `now`: the time, if the opening began earlier. */
export function enterOpen(
  circuit: Transitioning,
  { reason, at, attempt, length }: Opening,
  cause?: unknown,
  now: number = at,
  scope: Scope = 'local',
): void {
  const wallTime = Math.ceil(Date.now() - (now - at))
  circuit.escalate(attempt)
  circuit.tripReason = reason
  circuit.cause = cause
  circuit.enter(newOpening(circuit, 'open', scope).start(length, wallTime, at), reason, wallTime)
}

export function enterIsolated(
  circuit: Transitioning,
  now: number,
  reason: string,
  scope: Scope = 'local',
): void {
  circuit.escalate(circuit.attempt(now))
  circuit.tripReason = reason
  circuit.cause = undefined
  circuit.enter(newOpening(circuit, 'isolated', scope).start(Infinity, Date.now()), reason)
}

/** `scope`: who rations the probes. */
export function enterHalfOpen(
  circuit: Transitioning,
  now: number,
  reason: string,
  scope: Scope = 'local',
): void {
  circuit.escalate(circuit.attempt(now))
  const period = scope === 'fleet' ? circuit.member?.beginPeriod() : undefined
  circuit.enter(period ?? new HalfOpenGeneration(circuit.options), reason)
}

/** `recoveredAt`: when probes have shown that the dependency is well; then the escalation may be kept for a while. */
export function enterClosed(circuit: Transitioning, reason: string, recoveredAt?: number): void {
  circuit.enter(new ClosedGeneration(circuit, beginRule(circuit.options.trip)), reason)
  circuit.forget()
  if (recoveredAt === undefined || circuit.options.attemptDecay === 0) circuit.escalation = undefined
  else circuit.escalation?.close(recoveredAt)
}

/**
 * An opening that is over becomes half-open when somebody wants something of it. So does a half-open period of a fleet
 * that cannot be reached: the circuit probes by itself.
 */
export function endOpening(circuit: Transitioning, now: number, wallNow: number = Date.now()): void {
  const { generation } = circuit
  if (generation.state === 'open') {
    if (generation.remaining(now, wallNow) <= 0)
      enterHalfOpen(circuit, now, 'timeoutElapsed', generation.scope)
  } else if (generation.state === 'half-open' && generation.scope === 'fleet' && circuit.member?.alone) {
    enterHalfOpen(circuit, now, 'timeoutElapsed', 'fleet')
  }
}

/** Forgets what the closed circuit has counted, and the escalation. */
export function clear(circuit: Transitioning): void {
  circuit.forget()
  circuit.escalation = undefined
  if (circuit.generation.state === 'closed') circuit.generation.clear()
}

/** Sets the deadline of an open circuit anew. */
export function postpone({ generation }: Transitioning, length: number, now: number): void {
  if (generation.state === 'open') generation.start(length, Date.now(), now)
}

// The fleet's own clock decides of its openings.
function newOpening(
  { options }: Transitioning,
  state: 'open' | 'isolated',
  scope: Scope = 'local',
): OpenGeneration {
  return new OpenGeneration(state, scope === 'local' && options.clock === systemClock, scope)
}
