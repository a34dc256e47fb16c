import type { DashboardEvents } from '../../dashboard/protocol.ts'
import type { BreakerReport, MonitorSnapshot } from '../../monitor/report.ts'
import { CircuitBreakerState } from '../../base/state.ts'
import { isObject } from '../../base/validate.ts'
import { parseJson } from '../base/text.ts'

/*
 * What a server sends is validated, as far as the table and the messages use it: the URL may be that of anything.
 */

const STATES: ReadonlySet<unknown> = new Set(Object.values(CircuitBreakerState))

const isNumberOrNull = (value: unknown): boolean => value === null || typeof value === 'number'
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'

export function isReport(value: unknown): value is BreakerReport {
  if (!isObject(value)) return false
  const { id, state, mode, reason, retryAfter, transitions, recent, lastFailure, fleet } = value
  return (
    typeof id === 'string' &&
    STATES.has(state) &&
    typeof mode === 'string' &&
    isTextOrNull(reason) &&
    isNumberOrNull(retryAfter) &&
    Array.isArray(transitions) &&
    transitions.every(isTransition) &&
    isFleet(fleet) &&
    (lastFailure === null || (isObject(lastFailure) && typeof lastFailure['message'] === 'string')) &&
    isObject(recent) &&
    typeof recent['callsPerSecond'] === 'number' &&
    isNumberOrNull(recent['failureRate']) &&
    (recent['latency'] === null || isLatency(recent['latency']))
  )
}

/** A server of an earlier version sends no `fleet`. */
function isFleet(value: unknown): boolean {
  if (value === null || value === undefined) return true
  return isObject(value) && typeof value['link'] === 'string' && typeof value['share'] === 'string'
}

function isLatency(value: unknown): boolean {
  return isObject(value) && typeof value['p50'] === 'number' && typeof value['p99'] === 'number'
}

export function isTransition(value: unknown): value is DashboardEvents['transition'] {
  if (!isObject(value)) return false
  const { id, from, to, reason, at } = value
  const named = typeof id === 'string' && typeof reason === 'string'
  return named && STATES.has(from) && STATES.has(to) && typeof at === 'number'
}

export function isSnapshot(value: unknown): value is MonitorSnapshot {
  return (
    isObject(value) &&
    value['version'] === 1 &&
    typeof value['takenAt'] === 'number' &&
    typeof value['health'] === 'string' &&
    Array.isArray(value['breakers']) &&
    value['breakers'].every(isReport)
  )
}

/** A check for each known event. Others are skipped, so that a newer server may send more. */
const isEvent: {
  readonly [Name in keyof DashboardEvents]: (value: unknown) => value is DashboardEvents[Name]
} = {
  snapshot: (value): value is DashboardEvents['snapshot'] =>
    isObject(value) &&
    isSnapshot(value['snapshot']) &&
    typeof value['control'] === 'boolean' &&
    Array.isArray(value['transitions']) &&
    value['transitions'].every(isTransition),
  update: (value): value is DashboardEvents['update'] =>
    isObject(value) &&
    typeof value['takenAt'] === 'number' &&
    typeof value['health'] === 'string' &&
    Array.isArray(value['breakers']) &&
    value['breakers'].every(isReport) &&
    Array.isArray(value['removed']),
  transition: isTransition,
}

/** An event of the stream, with its name as `type`. */
export type DashboardEvent = {
  [Name in keyof DashboardEvents]: { readonly type: Name; readonly data: DashboardEvents[Name] }
}[keyof DashboardEvents]

/** Parses an event of the stream. Returns `'malformed'` if its data is invalid, `undefined` if its name is unknown. */
export function readEvent(type: string, data: string): DashboardEvent | 'malformed' | undefined {
  if (!Object.hasOwn(isEvent, type)) return undefined
  const value = parseJson(data)
  return isEvent[type as keyof DashboardEvents](value)
    ? ({ type, data: value } as DashboardEvent)
    : 'malformed'
}

/** Returns the version of a snapshot if it is not 1; `undefined` if it is, or if the value is no snapshot. */
export function otherVersion(value: unknown): number | undefined {
  if (!isObject(value) || !Array.isArray(value['breakers'])) return undefined
  const { version } = value
  return typeof version === 'number' && version !== 1 ? version : undefined
}
