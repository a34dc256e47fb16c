import type { CircuitBreakerState } from '../base/state.ts'
import type { ChangeCommand, ProbePolicy, Sender } from '../storage/contract/commands.ts'
import { DAY, LONGEST_REASON, MOST, MOST_LEASES } from '../storage/contract/limits.ts'
import type { CircuitOptions } from '../core/options.ts'
import { newNonce } from './identity.ts'

/** A manual change of one breaker that its fleet is to make too (F9). */
export interface ManualChange {
  readonly to: CircuitBreakerState
  readonly reason: string
  /** The length of an opening, in milliseconds. */
  readonly openFor: number
  readonly nonce: string
}

export const newManualChange = (to: CircuitBreakerState, reason: string, openFor: number): ManualChange => ({
  to,
  reason: toReason(reason),
  openFor: toDuration(openFor),
  nonce: newNonce(),
})

export function toCommand(change: ManualChange, sender: Sender, policy: ProbePolicy): ChangeCommand {
  const { to, reason, nonce, openFor } = change
  const base = { type: 'change', sender, reason, nonce, ifEpoch: null } as const
  if (to === 'open') return { ...base, to, openFor }
  if (to === 'half-open') return { ...base, to, policy }
  return { ...base, to }
}

/** Rounds a duration up to whole milliseconds, at most a day, as records hold it. */
export const toDuration = (ms: number): number => Math.ceil(Math.min(DAY, Math.max(0, ms)))

export const toPolicy = ({ calls, successes, concurrent }: CircuitOptions['halfOpen']): ProbePolicy => ({
  calls: Math.min(MOST, calls),
  successes: Math.min(MOST, successes),
  concurrent: Math.min(MOST_LEASES, concurrent),
})

/** Truncates a reason to the bytes that a record holds (F29), without splitting a character. */
export function toReason(reason: string): string {
  if (reason.length * 3 <= LONGEST_REASON) return reason
  const bytes = new Uint8Array(LONGEST_REASON)
  const { read } = new TextEncoder().encodeInto(reason, bytes)
  return reason.slice(0, read)
}
