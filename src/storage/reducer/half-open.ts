import { MOST_ENDED, WARINESS } from '../contract/limits.ts'
import type { AcquireCommand, SettleCommand } from '../contract/commands.ts'
import type { Denied, Granted, Late, Settled } from '../contract/replies.ts'
import type { BreakerRecord, HalfOpenRecord, Lease } from './record.ts'
import { nextEpoch, toClosed, toHalfOpen, toOpen, withinDay } from './transition.ts'
import { answer, hasRoom, untilDue, untilFirstEnd, type Context, type Step } from './view.ts'

/** Removes a lease. Its nonce is kept, so that a repeated `acquire` is not granted another one (I3). */
function endLease(record: HalfOpenRecord, lease: Lease): HalfOpenRecord {
  const leases = record.leases.filter((each) => each !== lease)
  return { ...record, leases, ended: [...record.ended, lease.nonce].slice(-MOST_ENDED) }
}

/** Counts a probe that failed at `at`, and re-opens the record as soon as `successes` is out of reach (F17). */
function fail(
  record: HalfOpenRecord,
  by: string,
  reason: string,
  at: number,
  openFor: number,
  now: number,
): BreakerRecord {
  const after = { ...record, failed: record.failed + 1, failedBy: by }
  if (after.calls - after.failed >= after.successes) return after
  const epoch = nextEpoch(record, now)
  return toOpen(after, { epoch, since: at, reason, by }, record.attempt + 1, openFor)
}

/** Expires leases: each counts as a failed probe at its own deadline, however late that is noticed (F17). */
export function expireLeases(record: BreakerRecord, now: number): BreakerRecord {
  let after = record
  while (after.state === 'half-open') {
    const first = firstToEnd(after.leases)
    if (!first || first.until > now) return after
    after = fail(endLease(after, first), first.reporter, 'probeTimeout', first.until, first.reopenFor, now)
  }
  return after
}

/** Returns the lease that ends first; of several, the one granted first. */
function firstToEnd(leases: readonly Lease[]): Lease | undefined {
  let first: Lease | undefined
  for (const lease of leases) if (!first || lease.until < first.until) first = lease
  return first
}

/** Grants a lease, or denies it with a reason. A denial changes nothing (F19). */
export function acquire(
  record: BreakerRecord,
  command: AcquireCommand,
  context: Context,
): Step<Granted | Denied> {
  const { sender, nonce, policy } = command
  const { now, adopted } = context
  const deny = (why: Denied['why'], wait: number | null): Step<Denied> => ({
    record,
    reply: { type: 'denied', why, wait, ...answer(record, context) },
  })
  if (record.state === 'closed' || record.state === 'isolated')
    return deny(record.state, untilDue(record, now))
  if (record.state === 'open' && record.until > now) return deny('open', record.until - now)

  const probing = record.state === 'half-open'
  const live = probing ? record.leases.find((lease) => lease.nonce === nonce) : undefined
  if (live) {
    return { record, reply: { type: 'granted', lease: live.until - now, ...answer(record, context) } }
  }
  const knows = adopted || sender.epoch === record.epoch || (probing && sender.epoch === record.opened)
  if (!knows) return deny('stale', 0)
  if (probing && record.ended.includes(nonce)) return deny('ended', 0)
  const waryFor = (probing ? record.due : record.until) + WARINESS - now
  if (sender.reporter === record.failedBy && waryFor > 0) return deny('wary', waryFor)
  if (probing && !hasRoom(record)) return deny('half-open', untilFirstEnd(record, now))

  const epoch = nextEpoch(record, now)
  // While half-open, the record keeps the reason for which it opened.
  const { reason, by, attempt } = record
  const period = probing ? record : toHalfOpen(record, { epoch, since: now, reason, by }, attempt, policy)
  const length = withinDay(command.lease)
  const { reporter } = sender
  const lease = { nonce, until: now + length, length, reporter, reopenFor: withinDay(command.reopenFor) }
  const after = { ...period, leases: [...period.leases, lease] }
  return { record: after, reply: { type: 'granted', lease: length, ...answer(after, context) } }
}

/** Settles a live lease of the current period. Any other settle is late and has no effect (F18). */
export function settle(
  record: BreakerRecord,
  command: SettleCommand,
  context: Context,
): Step<Settled | Late> {
  const { nonce, epoch, outcome, openFor, sender } = command
  const current = record.state === 'half-open' && record.epoch === epoch ? record : undefined
  const lease = current?.leases.find((each) => each.nonce === nonce)
  if (!current || !lease) return { record, reply: { type: 'late', ...answer(record, context) } }
  const after = decide(endLease(current, lease))
  return { record: after, reply: { type: 'settled', ...answer(after, context) } }

  function decide(period: HalfOpenRecord): BreakerRecord {
    const { now } = context
    const by = lease?.reporter ?? ''
    if (outcome === 'cancel') return period
    if (outcome === 'failure') return fail(period, by, 'probeFailed', now, openFor, now)
    const passed = period.passed + 1
    if (passed < period.successes) return { ...period, passed }
    const cause = { epoch: nextEpoch(period, now), since: now, reason: 'probeSucceeded', by }
    return toClosed(period, cause, period.attempt, sender.decay, sender.ramp)
  }
}
