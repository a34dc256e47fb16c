import { MOST, MOST_REPORTERS, REPORT_NOTE } from '../contract/limits.ts'
import type { ExchangeCommand } from '../contract/commands.ts'
import type { Exchanged, PooledRing } from '../contract/replies.ts'
import type { BreakerRecord, ClosedRecord } from './record.ts'
import { addToRing, EMPTY_RING } from './rings.ts'
import { answer, type Context, type Step } from './view.ts'

/** Adds a batch to the pool and returns the sums. The sender evaluates its rule on them (F2). */
export function exchange(record: BreakerRecord, command: ExchangeCommand, context: Context): Step<Exchanged> {
  const { epoch, rings } = command
  if (record.state !== 'closed') {
    const pooled = { run: { failures: 0, reporters: 0 }, rings: rings.map(() => EMPTY_RING) }
    return { record, reply: { type: 'exchanged', counted: false, ...pooled, ...answer(record, context) } }
  }
  const counted = epoch === record.epoch
  const afterRun = counted ? noteReport(addToRun(record, command), command, context.now) : record
  const pooled: PooledRing[] = []
  let kept = afterRun.rings
  for (const given of rings) {
    const batch = counted ? given : { ...given, calls: 0, failures: 0, slow: 0 }
    const added = addToRing(kept, record.epoch, context.now, batch, command.sender.reporter)
    kept = added.rings
    pooled.push(added.pooled)
  }
  const after = kept === afterRun.rings ? afterRun : { ...afterRun, rings: kept }
  const run = { failures: after.run, reporters: after.runReporters.length }
  return {
    record: after,
    reply: { type: 'exchanged', counted, run, rings: pooled, ...answer(after, context) },
  }
}

/**
 * Notes that calls are reported, at most once a minute: so a healthy breaker has a record while it is in use, although
 * it has nothing to share (F15b). A store may leave this out if it refuses the write, and nothing else is written.
 */
function noteReport(
  record: ClosedRecord,
  { successes, failures }: ExchangeCommand,
  now: number,
): ClosedRecord {
  const { reportedAt } = record
  const isNoted = reportedAt <= now && now - reportedAt < REPORT_NOTE
  return isNoted || successes + failures === 0 ? record : { ...record, reportedAt: now }
}

/** Adds a batch to the run of consecutive failures, which is pooled batch by batch (F4). */
function addToRun(
  record: ClosedRecord,
  { successes, failures, tail, sender }: ExchangeCommand,
): ClosedRecord {
  const { run, runReporters } = record
  const { reporter } = sender
  if (successes > 0) {
    if (tail > 0) return { ...record, run: tail, runReporters: [reporter] }
    return run > 0 ? { ...record, run: 0, runReporters: [] } : record
  }
  if (failures === 0) return record
  const known = runReporters.includes(reporter) || runReporters.length >= MOST_REPORTERS
  return {
    ...record,
    run: Math.min(run + failures, MOST),
    runReporters: known ? runReporters : [...runReporters, reporter],
  }
}
