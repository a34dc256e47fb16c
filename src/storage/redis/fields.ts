import { MOST } from '../contract/limits.ts'
import type { BreakerRecord, Lease } from '../reducer/record.ts'

/** The fields of a Redis hash. */
export type Fields = Readonly<Record<string, string>>

// The fields of each state that are one integer or one text. Lists and rings have formats of their own.
const BASE = ['recloser', 'state', 'epoch', 'since', 'attempt', 'reason', 'by']
const PROBES = ['opened', 'due', 'calls', 'successes', 'concurrent', 'passed', 'failed', 'failedBy']
const PLAIN: Readonly<Record<BreakerRecord['state'], readonly string[]>> = {
  closed: [...BASE, 'decay'],
  open: [...BASE, 'until', 'length', 'failedBy'],
  'half-open': [...BASE, ...PROBES],
  isolated: BASE,
}
const TEXTS = new Set(['state', 'reason', 'by', 'failedBy'])
const RING = 'ring:'
const LEASE = /^([\w-]+),(\d{1,15}),(\d{1,15}),([\w-]+),(\d{1,15})$/

/** Returns a record as the fields of its hash: integers in decimal, and no field for an empty value. */
export function toFields(record: BreakerRecord): Fields {
  const plain = record as unknown as Readonly<Record<string, number | string>>
  const fields = PLAIN[record.state].map((name): [string, string] => [name, String(plain[name])])
  if (record.state === 'closed') {
    fields.push(['run', record.run > 0 ? [record.run, ...record.runReporters].join(',') : ''])
    for (const [name, text] of Object.entries(record.rings)) fields.push([RING + name, text])
  } else if (record.state === 'half-open') {
    fields.push(['ended', record.ended.join(',')], ['leases', record.leases.map(writeLease).join(';')])
  }
  return Object.fromEntries(fields.filter(([name, value]) => value !== '' || name.startsWith(RING)))
}

/**
 * Parses the fields of a hash. The result still has to be validated by `readRecord`, because the hash may not be ours.
 * Returns `undefined` if there are no fields.
 */
export function fromFields(fields: Fields): unknown {
  const { recloser, state = '' } = fields
  if (Object.keys(fields).length === 0) return undefined
  if (!Object.hasOwn(PLAIN, state)) return { recloser: toNumber(recloser), state }
  const record: Record<string, unknown> = {}
  for (const name of PLAIN[state as BreakerRecord['state']]) {
    record[name] = TEXTS.has(name) ? (fields[name] ?? '') : toNumber(fields[name])
  }
  if (state === 'closed') {
    const [, failures = 0, reporters = ''] = /^(\d+)(.*)$/s.exec(fields['run'] ?? '') ?? []
    const rings = Object.entries(fields).filter(([name]) => name.startsWith(RING))
    record['run'] = Math.min(Number(failures), MOST)
    record['runReporters'] = reporters.match(/[\w-]+/g) ?? []
    record['rings'] = Object.fromEntries(rings.map(([name, text]) => [name.slice(RING.length), text]))
  } else if (state === 'half-open') {
    record['ended'] = toList(fields['ended'], ',')
    record['leases'] = toList(fields['leases'], ';').map(readLease)
  }
  return record
}

const writeLease = ({ nonce, until, length, reporter, reopenFor }: Lease): string =>
  [nonce, until, length, reporter, reopenFor].join(',')

function readLease(text: string): Lease | undefined {
  const [, nonce, until, length, reporter, reopenFor] = LEASE.exec(text) ?? []
  if (nonce === undefined || reporter === undefined) return undefined
  return { nonce, until: Number(until), length: Number(length), reporter, reopenFor: Number(reopenFor) }
}

/** Parses an integer of up to 15 digits. Returns anything else unchanged, for `readRecord` to refuse. */
const toNumber = (text: string | undefined): unknown =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text

const toList = (text: string | undefined, separator: string): string[] =>
  text === undefined || text === '' ? [] : text.split(separator)
