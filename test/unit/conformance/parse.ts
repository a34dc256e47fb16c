import { boolean, count, isObject, listOf, number, oneOf, record, string, UnsupportedCase } from './fields.ts'
import { ADMINISTRATION, OUTCOMES, THROW_KINDS } from './format.ts'
import type { Case, CaseConfig, HalfOpen, OpenDuration, Operation, Step, Trip } from './format.ts'

/** A case as a file holds it: it has an id, a title and steps, which have not been parsed yet. */
export interface GivenCase {
  readonly id: string
  readonly title: string
  readonly config: Readonly<Record<string, unknown>>
  readonly steps: readonly Readonly<Record<string, unknown>>[]
}

export class MalformedFile extends Error {
  override readonly name = 'MalformedFile'
}

/**
 * Returns the cases of a file's text.
 *
 * @throws {MalformedFile} when it is not a list of cases
 */
export function readCases(text: string): readonly GivenCase[] {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new MalformedFile(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!Array.isArray(content)) throw new MalformedFile('expected an array of cases')
  return content.map((item: unknown, index) => {
    if (isGivenCase(item)) return item
    throw new MalformedFile(
      `case ${index + 1}: expected an object with \`id\` and \`title\` (strings), \`config\` (an object) and \`steps\` (a list of objects)`,
    )
  })
}

function isGivenCase(value: unknown): value is GivenCase {
  if (!isObject(value)) return false
  const { id, title, config, steps } = value
  const named = typeof id === 'string' && typeof title === 'string'
  return named && isObject(config) && Array.isArray(steps) && steps.every(isObject)
}

/**
 * Parses a case. Its other keys than `config` and `steps` are only for the reader.
 *
 * @throws {UnsupportedCase} at the first thing that is not part of the format
 */
export function parseCase(given: GivenCase): Case {
  const config = parseConfig(given.config, 'config')
  const steps = given.steps.map((step, index) => parseStep(step, `step ${index + 1}`))
  return { id: given.id, title: given.title, config, steps }
}

const thresholds = { minCalls: number, failureRate: number, slowRate: number, failures: number }
const tripKinds = {
  consecutive: record({ kind: oneOf('consecutive'), failures: number }, {}),
  countWindow: record({ kind: oneOf('countWindow'), size: number }, thresholds),
  timeWindow: record({ kind: oneOf('timeWindow'), durationMs: number, buckets: number }, thresholds),
  any: record({ kind: oneOf('any'), of: listOf(parseTrip) }, {}),
  all: record({ kind: oneOf('all'), of: listOf(parseTrip) }, {}),
  never: record({ kind: oneOf('never') }, {}),
}

function parseTrip(value: unknown, where: string): Trip {
  const kinds = ['consecutive', 'countWindow', 'timeWindow', 'any', 'all', 'never'] as const
  const kind = oneOf(...kinds)(isObject(value) ? value['kind'] : value, `${where}.kind`)
  return tripKinds[kind](value, where)
}

function parseOpenDuration(value: unknown, where: string): OpenDuration {
  if (typeof value === 'number') return value
  if (!Array.isArray(value))
    return record({ initialMs: number }, { factor: number, maxMs: number })(value, where)
  if (value.length === 0) throw new UnsupportedCase(`${where}: the list is empty`)
  return listOf(number)(value, where)
}

const parseHalfOpen = (value: unknown, where: string): HalfOpen =>
  record({}, { maxCalls: number, maxConcurrent: number, successesToClose: number, probeTimeoutMs: number })(
    value,
    where,
  )

const parseConfig = (value: unknown, where: string): CaseConfig =>
  record(
    {},
    {
      trip: parseTrip,
      slowCallMs: number,
      openDurationMs: parseOpenDuration,
      attemptDecayMs: number,
      honorRetryAfter: boolean,
      maxRetryAfterMs: number,
      halfOpen: parseHalfOpen,
      listener: oneOf('throws'),
    },
  )(value, where)

function parseStep(value: Readonly<Record<string, unknown>>, where: string): Step {
  const { at_ms: atMs, op, repeat, expect = {}, ...fields } = value
  if (!isObject(expect)) throw new UnsupportedCase(`${where}.expect: expected an object`)
  return {
    atMs: number(atMs, `${where}.at_ms`),
    operation: parseOperation(op, fields, where),
    ...(repeat === undefined ? {} : { repeat: count(repeat, `${where}.repeat`) }),
    expect: Object.entries(expect),
  }
}

const OPERATIONS = ['call', 'start', 'finish', 'release', 'check', 'configure', ...ADMINISTRATION] as const
const outcome = oneOf(...OUTCOMES)
const throwKind = oneOf(...THROW_KINDS)

function parseOperation(op: unknown, fields: Readonly<Record<string, unknown>>, where: string): Operation {
  const known = oneOf(...OPERATIONS)(op, `${where}.op`)
  switch (known) {
    case 'call': {
      const { durationMs = 0, ...ending } = record(
        { outcome },
        { durationMs: number, retryAfterMs: number, throwKind },
      )(fields, where)
      return { op: known, ending, durationMs }
    }
    case 'start':
      return { op: known, ...record({ id: string }, {})(fields, where) }
    case 'finish': {
      const { id, ...ending } = record({ id: string, outcome }, { retryAfterMs: number, throwKind })(
        fields,
        where,
      )
      return { op: known, id, ending }
    }
    case 'release':
      return { op: known, ...record({ id: string }, {})(fields, where), ending: { outcome: 'release' } }
    case 'configure':
      return { op: known, ...record({ patch: parseConfig }, {})(fields, where) }
    case 'check':
    case 'open':
    case 'close':
    case 'halfOpen':
    case 'forceOpen':
    case 'disable':
    case 'reset':
      record({}, {})(fields, where)
      return { op: known }
    default:
      return known satisfies never
  }
}
