import { ADOPTABLE_AHEAD, NO_MANUAL } from '../contract/limits.ts'
import type { Sender } from '../contract/commands.ts'
import { impossible, type BreakerRecord } from './record.ts'
import { toClosed, toIsolated, toOpen } from './transition.ts'

export interface Adoption {
  readonly record: BreakerRecord
  /** Whether the record has taken over the sender's state. */
  readonly adopted: boolean
  /** Whether the sender's epoch is ahead, and was not adopted. */
  readonly reset: boolean
}

/** Adopts a newer state that the sender knows, so that any living client repairs a store that has lost data (F12). */
export function adopt(record: BreakerRecord, sender: Sender, now: number): Adoption {
  const { epoch, attempt, decay, reason, by, ramp, ramped } = sender
  // No manual change is newer than the state known with it: the next one would be older, and could be undone.
  const manual = sender.manual.epoch > epoch ? NO_MANUAL : sender.manual
  const known = record.manual.epoch
  if (epoch <= record.epoch) {
    // A lost record that has changed since still has to know the manual change, or an older one would undo it (F9b).
    return { record: manual.epoch > known ? { ...record, manual } : record, adopted: false, reset: false }
  }
  // A sender that does not know the last manual change must not undo it: the clock was set back when data was lost.
  const isAhead = epoch > Math.max(now, record.epoch) + ADOPTABLE_AHEAD
  if (isAhead || manual.epoch < known) return { record, adopted: false, reset: true }
  return { record: adoptState(), adopted: true, reset: false }

  function adoptState(): BreakerRecord {
    const cause = { epoch, since: now, reason, by }
    // The sender does not know which reporter failed the last probe of its state.
    const from = { ...record, failedBy: '', ...(manual.epoch > known && { manual }) }
    switch (sender.state) {
      case 'closed':
        return toClosed(from, cause, attempt, decay, ramped === null ? 0 : ramp, ramped ?? 0)
      case 'open':
        return toOpen(from, cause, attempt, sender.remaining)
      case 'half-open':
        // The leases of that period are lost. A new epoch makes sure that none of them can be settled. It is the one
        // that the period has left for this, so that whatever has decided the period is newer.
        return toOpen(from, { ...cause, epoch: epoch + 1 }, attempt, 0)
      case 'isolated':
        return toIsolated(from, cause, attempt)
      default:
        return impossible(sender.state)
    }
  }
}
