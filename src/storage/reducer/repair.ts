import { impossible, type BreakerRecord } from './record.ts'

/**
 * Repairs times that are in the future because the store's clock was set back (F14): a deadline further ahead than its
 * length becomes now + length. The result must be written, or the length would restart at every command.
 */
export function repairClock(record: BreakerRecord, now: number): BreakerRecord {
  switch (record.state) {
    case 'open':
      return record.until - now > record.length ? { ...record, until: now + record.length } : record
    case 'half-open':
      return record.due > now || record.leases.some(({ until, length }) => until - now > length)
        ? {
            ...record,
            due: Math.min(record.due, now),
            leases: record.leases.map((lease) =>
              lease.until - now > lease.length ? { ...lease, until: now + lease.length } : lease,
            ),
          }
        : record
    case 'closed':
      return (record.attempt > 0 && record.since > now) || record.rampedAt > now
        ? { ...record, since: Math.min(record.since, now), rampedAt: Math.min(record.rampedAt, now) }
        : record
    case 'isolated':
      return record
    default:
      return impossible(record)
  }
}
