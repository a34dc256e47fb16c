import { MOST_CHANGES } from '../contract/limits.ts'
import type { ChangeCommand } from '../contract/commands.ts'
import type { Changed, Refused } from '../contract/replies.ts'
import { impossible, type BreakerRecord } from './record.ts'
import { attemptOf, nextEpoch, toClosed, toHalfOpen, toIsolated, toOpen, type Cause } from './transition.ts'
import { answer, type Context, type Step } from './view.ts'

/** Opens a record that is closed at the command's epoch (F2), or makes a manual change from any state (F9). */
export function change(
  record: BreakerRecord,
  command: ChangeCommand,
  context: Context,
): Step<Changed | Refused> {
  const { now } = context
  const { ifEpoch, nonce, reason, sender } = command
  const refuse = (why: Refused['why']): Step<Refused> => ({
    record,
    reply: { type: 'refused', why, ...answer(record, context) },
  })
  const manual = ifEpoch === null
  if (manual && record.changes.includes(nonce)) return refuse('repeated')
  if (!manual && (record.state !== 'closed' || record.epoch !== ifEpoch)) return refuse('stale')
  const cause = { epoch: nextEpoch(record.epoch, now), since: now, reason, by: sender.reporter }
  const next = changed(record, command, cause)
  const after = manual ? { ...next, changes: [...record.changes, nonce].slice(-MOST_CHANGES) } : next
  return { record: after, reply: { type: 'changed', ...answer(after, context) } }
}

/** Makes the transition under a new epoch, even if the state stays the same (F9). */
function changed(record: BreakerRecord, command: ChangeCommand, cause: Cause): BreakerRecord {
  const attempt = attemptOf(record, cause.since)
  switch (command.to) {
    case 'open': {
      const next = record.state === 'closed' ? attempt + 1 : Math.max(1, attempt)
      return toOpen(record, cause, next, command.openFor)
    }
    case 'half-open':
      return toHalfOpen(record, cause, attempt, command.policy)
    case 'closed':
      return toClosed(record, cause, 0, 0)
    case 'isolated':
      return toIsolated(record, cause, attempt)
    default:
      return impossible(command)
  }
}
