import type { CircuitBreakerState } from '../base/state.ts'
import type { ManualOptions } from '../core/ports.ts'
import type { ManualChangeCommand, ProbePolicy, Sender } from '../storage/contract/commands.ts'
import { DAY, LONGEST_ACTOR, LONGEST_REASON, MOST, MOST_LEASES } from '../storage/contract/limits.ts'
import type { CircuitOptions } from '../core/options.ts'

/** A manual change of one breaker that its fleet is to make too (F9). */
export interface ManualChange {
  readonly to: CircuitBreakerState
  /** `''` if no reason was given. */
  readonly reason: string
  readonly actor: string
  /** The length of an opening, in milliseconds. */
  readonly openFor: number
  readonly nonce: string
}

export const newManualChange = (
  to: CircuitBreakerState,
  { reason = '', actor = 'code' }: ManualOptions,
  openFor: number,
  nonce: string,
): ManualChange => ({
  to,
  reason: toText(reason, LONGEST_REASON),
  actor: toText(actor, LONGEST_ACTOR),
  openFor: toDuration(openFor),
  nonce,
})

export function toCommand(
  { to, reason, actor, nonce, openFor }: ManualChange,
  ifManual: number,
  sender: Sender,
  policy: ProbePolicy,
): ManualChangeCommand {
  const base = { type: 'change', sender, reason, actor, nonce, ifEpoch: null, ifManual } as const
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

/** Truncates a text to the bytes of UTF-8 that a record holds (F29), without splitting a character. */
export function toText(text: string, bytes: number): string {
  if (text.length * 3 <= bytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes))
  return text.slice(0, read)
}
