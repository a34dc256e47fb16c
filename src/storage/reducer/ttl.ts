import { DAY, SHORTEST_TTL } from '../contract/limits.ts'
import { impossible, type BreakerRecord } from './record.ts'
import { longestWindow } from './rings.ts'

/** Milliseconds after which the store may forget the record, `Infinity` for never (F15). */
export function ttlOf(record: BreakerRecord, now: number): number {
  switch (record.state) {
    case 'closed': {
      const decay = Math.max(0, record.since + record.attempt * record.decay - now)
      return Math.max(2 * longestWindow(record.rings), decay, SHORTEST_TTL)
    }
    case 'open':
      return Math.max(0, record.until - now) + DAY
    case 'half-open':
      return Math.max(0, ...record.leases.map(({ until }) => until - now)) + DAY
    case 'isolated':
      return Infinity
    default:
      return impossible(record)
  }
}
