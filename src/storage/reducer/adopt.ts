import { ADOPTABLE_AHEAD } from '../contract/limits.ts'
import type { Sender } from '../contract/commands.ts'
import { impossible, type BreakerRecord } from './record.ts'
import { nextEpoch, toClosed, toIsolated, toOpen } from './transition.ts'

export interface Adoption {
  readonly record: BreakerRecord
  /** The sender's state is now the record's. */
  readonly adopted: boolean
  /** It was offered and is too far ahead. */
  readonly reset: boolean
}

/** Takes over a newer state that the sender knows: how any surviving client heals a store that lost its data (F12). */
export function adopt(record: BreakerRecord, sender: Sender, now: number): Adoption {
  const { epoch, attempt, decay, reason, by } = sender
  if (epoch <= record.epoch) return { record, adopted: false, reset: false }
  if (epoch > Math.max(now, record.epoch) + ADOPTABLE_AHEAD) return { record, adopted: false, reset: true }
  return { record: take(), adopted: true, reset: false }

  function take(): BreakerRecord {
    const cause = { epoch, since: now, reason, by }
    // Who failed a probe of another state is not known of this one.
    const from = { ...record, failedBy: '' }
    switch (sender.state) {
      case 'closed':
        return toClosed(from, cause, attempt, decay)
      case 'open':
        return toOpen(from, cause, attempt, sender.remaining)
      case 'half-open':
        // Its leases are lost: nothing that was granted there may count here, hence a new epoch.
        return toOpen(from, { ...cause, epoch: nextEpoch(epoch, now) }, attempt, 0)
      case 'isolated':
        return toIsolated(from, cause, attempt)
      default:
        return impossible(sender.state)
    }
  }
}
