import type { Circuit } from './circuit.ts'
import { openTime } from './options.ts'
import type { CircuitBreakerState } from '../base/state.ts'
import {
  clear,
  endOpening,
  enterClosed,
  enterHalfOpen,
  enterIsolated,
  enterOpen,
  postpone,
} from './transitions.ts'
import { aString, readOptions } from '../base/validate.ts'

/** The options of `CircuitBreaker.open`. */
export interface OpenOptions {
  /** How long, in milliseconds. Default: as long as if a rule had tripped. */
  readonly for?: number | undefined
  /** Why, for those who ask. Default `'manual'`. */
  readonly reason?: string | undefined
}

/** A transition by hand is legal from every state. A repeat is none, but may change what the state began with. */
function transition(
  circuit: Circuit,
  to: CircuitBreakerState,
  now: number,
  enter: () => void,
  repeat: () => void,
  because: string,
  openFor = 0,
): boolean {
  if (circuit.options.mode !== 'enforce') return false
  const changes = circuit.state(now) !== to
  if (changes) enter()
  else repeat()
  circuit.member?.order(to, because, openFor)
  circuit.wake()
  circuit.listeners.deliver()
  return changes
}

/** Without a length it opens for as long as a trip would. */
export function openByHand(circuit: Circuit, options: OpenOptions): boolean {
  const checks = { for: openTime, reason: aString }
  const { for: length, reason: because } = readOptions<OpenOptions>(options, checks, 'open options')
  if (circuit.options.mode !== 'enforce') return false
  const reason = because ?? 'manual'
  const at = circuit.read(true)
  const before = circuit.attempt(at)
  // By hand is no failed attempt to recover.
  const attempt = circuit.generation.state === 'closed' ? before + 1 : Math.max(1, before)
  const opening = { reason, at, attempt, length: length ?? circuit.openTime(reason, attempt) }
  const enter = (): void => {
    endOpening(circuit, at)
    enterOpen(circuit, opening)
  }
  const repeat = (): void => {
    postpone(circuit, opening.length, at)
    circuit.tripReason = because ?? circuit.tripReason
  }
  return transition(circuit, 'open', at, enter, repeat, reason, opening.length)
}

export function halfOpenByHand(circuit: Circuit, because = 'manual'): boolean {
  aString(because, 'reason')
  const now = circuit.read(true)
  const enter = (): void => enterHalfOpen(circuit, now, because, circuit.member?.follows ? 'fleet' : 'local')
  return transition(circuit, 'half-open', now, enter, () => {}, because)
}

export function isolateByHand(circuit: Circuit, because?: string): boolean {
  if (because !== undefined) aString(because, 'reason')
  const now = circuit.read(true)
  const enter = (): void => enterIsolated(circuit, now, because ?? 'manual')
  const repeat = (): void => {
    circuit.tripReason = because ?? circuit.tripReason
  }
  return transition(circuit, 'isolated', now, enter, repeat, because ?? 'manual')
}

export function closeByHand(circuit: Circuit, because = 'manual'): boolean {
  aString(because, 'reason')
  const now = circuit.read()
  const enter = (): void => enterClosed(circuit, because)
  return transition(circuit, 'closed', now, enter, () => clear(circuit), because)
}
