import { VERSION, type BreakerRecord, type Lease } from '../reducer/record.ts'

/** The fields of a Redis hash. */
export type Fields = Readonly<Record<string, string>>

/*
 * The format is described in the head of the script (`script/contract.ts`): one line with the integers and words of the
 * state, and fields of their own for texts, lists and rings. Fields that the line does not announce are ignored, so
 * that it does not matter what, and how much, somebody else has added to the hash.
 */

// The parts of the line, in this order.
const BASE = ['epoch', 'since', 'attempt', 'by', 'manual', 'nonce']
const PROBES = ['opened', 'due', 'calls', 'successes', 'concurrent', 'passed', 'failed', 'failedBy']
const LINES: Readonly<Record<BreakerRecord['state'], readonly string[]>> = {
  closed: [...BASE, 'decay', 'ramp', 'rampedAt', 'reportedAt', 'rings'],
  open: [...BASE, 'until', 'length', 'failedBy'],
  'half-open': [...BASE, ...PROBES],
  isolated: BASE,
}
const PATTERNS: Readonly<Record<string, string>> = {
  by: '[\\w-]*',
  nonce: '[\\w-]*',
  failedBy: '[\\w-]*',
  rings: '.*',
}
/** More characters than a line with valid parts can have. */
const LONGEST_LINE = 1_000
const NUMBER = '\\d{1,15}'
const LEASE = /^([\w-]+),(\d{1,15}),(\d{1,15}),([\w-]+),(\d{1,15})$/

/** Returns a record as the fields of its hash: integers in decimal, and no field for an empty value. */
export function toFields(record: BreakerRecord): Fields {
  const { state, reason, manual } = record
  const rings = record.state === 'closed' ? record.rings : {}
  const shown: Readonly<Record<string, unknown>> = {
    ...record,
    manual: manual.epoch,
    nonce: manual.nonce,
    rings: Object.keys(rings).join(' '),
  }
  const parts = LINES[state].map((name) => `${name}=${String(shown[name])}`)
  const fields: Record<string, string> = {
    recloser: [VERSION, state, ...parts].join(' '),
    reason,
    actor: manual.actor,
    ...rings,
  }
  if (record.state === 'closed' && record.run > 0) {
    fields['run'] = [record.run, ...record.runReporters].join(',')
  } else if (record.state === 'half-open') {
    fields['ended'] = record.ended.join(',')
    fields['leases'] = record.leases.map(writeLease).join(';')
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''))
}

/**
 * Parses the fields of a hash. The result still has to be validated by `readRecord`, because the hash may not be ours.
 * Returns `undefined` if there are no fields.
 */
export function fromFields(fields: Fields): unknown {
  const { recloser: line = '', reason = '', actor = '', run = '', leases = '', ended = '' } = fields
  if (Object.keys(fields).length === 0) return undefined
  const [, version, state = ''] = /^(\d+)(?: ([a-z-]*))?/.exec(line) ?? []
  const recloser = Number(version)
  if (!Object.hasOwn(LINES, state)) return { recloser }
  const parts = parseLine(line, state as BreakerRecord['state'])
  if (!parts) return { recloser }
  const { manual: epoch, nonce, rings = '', ...own } = parts
  const record = { recloser, state, reason, manual: { epoch, nonce, actor }, ...own }
  if (state === 'closed') return { ...record, ...parseRun(run), rings: parseRings(String(rings), fields) }
  if (state !== 'half-open') return record
  return { ...record, leases: split(leases, ';').map(parseLease), ended: split(ended, ',') }
}

function parseLine(line: string, state: BreakerRecord['state']): Record<string, string | number> | undefined {
  if (line.length > LONGEST_LINE) return undefined
  const names = LINES[state]
  const parts = names.map((name) => ` ${name}=(${PATTERNS[name] ?? NUMBER})`)
  const found = new RegExp(`^${VERSION} ${state}${parts.join('')}$`, 's').exec(line)?.slice(1)
  return (
    found &&
    Object.fromEntries(names.map((name, i) => [name, name in PATTERNS ? found[i]! : Number(found[i])]))
  )
}

/** Parses the run of failures. Anything else than a run is returned as one that `readRecord` refuses. */
function parseRun(text: string): { readonly run: number; readonly runReporters: readonly string[] } {
  if (text === '') return { run: 0, runReporters: [] }
  const [, failures, reporters = ''] = /^([1-9]\d{0,14})((?:,[\w-]+)*)$/.exec(text) ?? []
  return { run: Number(failures), runReporters: reporters.split(',').slice(1) }
}

/** Returns the rings that the line announces, by name. If it announces one twice, the result is none that is valid. */
function parseRings(list: string, fields: Fields): unknown {
  const names = split(list, ' ')
  if (new Set(names).size < names.length) return undefined
  return Object.fromEntries(names.map((name) => [name, Object.hasOwn(fields, name) ? fields[name] : '']))
}

const writeLease = ({ nonce, until, length, reporter, reopenFor }: Lease): string =>
  [nonce, until, length, reporter, reopenFor].join(',')

function parseLease(text: string): Lease | undefined {
  const [, nonce, until, length, reporter, reopenFor] = LEASE.exec(text) ?? []
  if (nonce === undefined || reporter === undefined) return undefined
  return { nonce, until: Number(until), length: Number(length), reporter, reopenFor: Number(reopenFor) }
}

const split = (text: string, separator: string): string[] => (text === '' ? [] : text.split(separator))
