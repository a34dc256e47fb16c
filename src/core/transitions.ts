import { systemClock } from '../base/clock.ts'
import type { Scope } from '../base/state.ts'
import { ClosedGeneration, type GenerationOwner } from './generation/closed.ts'
import { HalfOpenGeneration } from './generation/half-open.ts'
import { OpenGeneration } from './generation/open.ts'
import type { Entry, Transition } from './machine.ts'
import type { Opening } from './opening.ts'
import type { CircuitOptions } from './options.ts'
import type { FleetMember } from './ports.ts'
import type { RestorableState } from './snapshot.ts'

/** The circuit that a transition starts from. */
interface Origin extends GenerationOwner {
  readonly options: CircuitOptions
  readonly member: FleetMember | undefined
  readonly tripReason: string | null
  readonly cause: Error | undefined
}

/** Returns the initial state of a circuit, from a snapshot if one is given. */
export function toStart(circuit: Origin, restored: RestorableState | undefined): Entry {
  const { options } = circuit
  if (!restored || options.mode !== 'enforce') {
    return { next: new ClosedGeneration(circuit, options.trip) }
  }
  const { state, attempt, tripReason, failCounter, retryAfter, takenAt } = restored
  const next =
    state === 'closed'
      ? new ClosedGeneration(circuit, options.trip, failCounter)
      : state === 'half-open'
        ? new HalfOpenGeneration(options)
        : newOpening(options, state).start(retryAfter ?? Infinity, takenAt)
  return { next, tripReason: state === 'closed' ? null : tripReason, attempt, restoredAt: takenAt }
}

/**
 * Returns the transition for an opening; to isolated if its length is infinite.
 *
 * @param now the current time, if the opening started earlier
 */
export function toOpen(
  { options }: Origin,
  { reason, at: since, attempt, length, cause }: Opening,
  now: number = since,
  scope: Scope = 'local',
): Transition {
  const at = Math.ceil(Date.now() - (now - since))
  const opening = newOpening(options, length < Infinity ? 'open' : 'isolated', scope)
  return { next: opening.start(length, at, since), reason, tripReason: reason, cause, attempt, at }
}

/** Returns the transition to half-open. `scope` says who grants probes: the circuit itself or the fleet. */
export function toHalfOpen(
  { options, member, tripReason, cause }: Origin,
  attempt: number,
  reason: string,
  scope: Scope = 'local',
): Transition {
  const next = (scope === 'fleet' && member?.beginPeriod()) || new HalfOpenGeneration(options)
  return { next, reason, tripReason, cause, attempt, at: Date.now() }
}

/**
 * Returns the transition to closed.
 *
 * @param attempt the escalation to keep, which `attemptDecay` then decreases
 * @param recoveredAt when a probe succeeded, if that is why the circuit closes
 */
export function toClosed(circuit: Origin, reason: string, attempt = 0, recoveredAt?: number): Transition {
  const { trip, attemptDecay } = circuit.options
  const next = new ClosedGeneration(circuit, trip)
  return { next, reason, attempt: attemptDecay > 0 ? attempt : 0, at: Date.now(), recoveredAt }
}

// The wall clock ends local openings only: a fleet ends its openings by its own clock.
function newOpening(
  { clock }: CircuitOptions,
  state: 'open' | 'isolated',
  scope: Scope = 'local',
): OpenGeneration {
  return new OpenGeneration(state, scope === 'local' && clock === systemClock, scope)
}
