import { MANUAL, type CircuitBreakerState } from '../base/state.ts'
import { isObject, readOptions } from '../base/validate.ts'
import { pins, type Circuit } from './circuit.ts'
import { openTime } from './options.ts'
import { aReason } from './snapshot.ts'
import { toClosed, toHalfOpen, toOpen } from './transitions.ts'

/** The options of `CircuitBreaker.halfOpen`, `close` and `isolate`. */
export interface TransitionOptions {
  /**
   * Why the state changes, for events, errors and snapshots. It is cut to 256 characters.
   *
   * @default 'manual'
   */
  readonly reason?: string | undefined
  /**
   * Who changes the state, for the fleet (F9c): a breaker without a storage ignores it. It is cut to 64 bytes.
   *
   * @default 'code'
   */
  readonly actor?: string | undefined
}

/** The options of `CircuitBreaker.open`. */
export interface OpenOptions extends TransitionOptions {
  /**
   * The open time, in milliseconds.
   *
   * @default the open time of a trip, by `timeoutDuration`
   */
  readonly for?: number | undefined
}

const checks = { reason: aReason, actor: aReason }

/** Reads the options of a manual transition, of which the reason may be given alone. */
function readGiven(given: string | TransitionOptions = {}): TransitionOptions {
  // What is neither a string nor an object can only be meant as a reason.
  return readOptions<TransitionOptions>(isObject(given) ? given : { reason: given }, checks, 'reason')
}

/**
 * Makes a manual transition, which is legal from every state. If the circuit is already in that state, `repeat` updates
 * it instead.
 */
function transition(
  circuit: Circuit,
  to: CircuitBreakerState,
  now: number | undefined,
  given: TransitionOptions,
  enter: () => void,
  repeat: () => void,
  openFor = 0,
): boolean {
  if (circuit.options.mode !== 'enforce') return false
  const changes = circuit.state(now) !== to
  if (changes) enter()
  else repeat()
  circuit.member?.manualChange(to, given, openFor, changes)
  pins.get(circuit)?.()
  circuit.listeners.deliver()
  return changes
}

export function openManually(circuit: Circuit, options: OpenOptions): boolean {
  const given = readOptions<OpenOptions>(options, { for: openTime, ...checks }, 'open options')
  if (circuit.options.mode !== 'enforce') return false
  const { reason = MANUAL } = given
  const at = circuit.read()
  const before = circuit.attempt(at)
  // Opening manually is not a failed attempt to recover.
  const attempt = circuit.generation.state === 'closed' ? before + 1 : Math.max(1, before)
  const length = given.for ?? circuit.userCode.openTime(reason, attempt)
  const enter = (): void => {
    circuit.endOpening(at)
    circuit.enter(toOpen(circuit, { reason, at, attempt, length }))
  }
  const repeat = (): void => {
    circuit.setEnd(length, at)
    circuit.setReason(given.reason)
  }
  return transition(circuit, 'open', at, given, enter, repeat, length)
}

export function halfOpenManually(circuit: Circuit, options?: string | TransitionOptions): boolean {
  const given = readGiven(options)
  const { reason = MANUAL } = given
  const now = circuit.read()
  const scope = circuit.member?.appliesRecord ? 'fleet' : 'local'
  const enter = (): void => circuit.enter(toHalfOpen(circuit, circuit.attempt(now), reason, scope))
  return transition(circuit, 'half-open', now, given, enter, () => {})
}

export function isolateManually(circuit: Circuit, options?: string | TransitionOptions): boolean {
  const given = readGiven(options)
  const { reason = MANUAL } = given
  const at = circuit.read()
  const enter = (): void => {
    circuit.enter(toOpen(circuit, { reason, at, attempt: circuit.attempt(at), length: Infinity }))
  }
  return transition(circuit, 'isolated', at, given, enter, () => circuit.setReason(given.reason))
}

export function closeManually(circuit: Circuit, options?: string | TransitionOptions): boolean {
  const given = readGiven(options)
  const { reason = MANUAL } = given
  const enter = (): void => circuit.enter(toClosed(circuit, reason))
  return transition(circuit, 'closed', circuit.readIfNeeded(), given, enter, () => circuit.clear())
}
