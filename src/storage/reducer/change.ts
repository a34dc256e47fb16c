import { MANUAL } from '../../base/state.ts'
import type { ChangeCommand, LastManualChange, ManualChangeCommand } from '../contract/commands.ts'
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
  const why = refusal(record, command)
  if (why !== undefined) return { record, reply: { type: 'refused', why, ...answer(record, context) } }
  const cause = {
    epoch: nextEpoch(record, now),
    since: now,
    reason: command.reason || (record.state === command.to ? record.reason : MANUAL),
    by: command.sender.reporter,
  }
  const { ifEpoch, nonce } = command
  const manual = ifEpoch === null ? { epoch: cause.epoch, nonce, actor: command.actor } : record.manual
  const after = { ...changed(record, command, cause), manual }
  return { record: after, reply: { type: 'changed', ...answer(after, context) } }
}

function refusal(
  { state, epoch, manual }: BreakerRecord,
  command: ChangeCommand,
): Refused['why'] | undefined {
  if (command.ifEpoch !== null) return state === 'closed' && epoch === command.ifEpoch ? undefined : 'stale'
  return refusalOf(command, manual)
}

/** A manual change never undoes a newer one of another process, nor a later one of its own (F9b). */
function refusalOf(
  { nonce, ifManual }: ManualChangeCommand,
  last: LastManualChange,
): Refused['why'] | undefined {
  const [own, made] = [parse(nonce), parse(last.nonce)]
  if (own.giver === made.giver) return own.number > made.number ? undefined : 'repeated'
  return last.epoch > ifManual ? 'overtaken' : undefined
}

/** Splits the nonce of a manual change into the process that gave it, and the number of the change. */
function parse(nonce: string): { readonly giver: string; readonly number: number } {
  const [, giver, digits] = /^(.*)-(\d{1,15})$/.exec(nonce) ?? []
  return giver === undefined ? { giver: nonce, number: 0 } : { giver, number: Number(digits) }
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
