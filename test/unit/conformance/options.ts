import {
  allOf,
  anyOf,
  consecutiveFailures,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  never,
  slowCallRate,
} from '../../../src/index.ts'
import type { CircuitBreakerOptions, TripRule } from '../../../src/index.ts'
import type { CaseConfig, HalfOpen, OpenDuration, Thresholds, Trip } from './format.ts'

/** The options of a breaker that a case's `config` describes, as far as `configure` may change them later. */
export function optionsOf(config: CaseConfig): CircuitBreakerOptions {
  return {
    ...tripOptions(config),
    ...openOptions(config),
    ...halfOpenOptions(config.halfOpen),
    ...decay(config),
  }
}

/** The options that a patch changes on a breaker that `before` has configured so far. */
export function patchOf(before: CaseConfig, patch: CaseConfig): CircuitBreakerOptions {
  const config = { ...before, ...patch }
  const touched = (...keys: readonly (keyof CaseConfig)[]): boolean => keys.some((key) => key in patch)
  return {
    ...(touched('trip', 'slowCallMs') && tripOptions(config)),
    ...(touched('openDurationMs', 'honorRetryAfter', 'maxRetryAfterMs') && openOptions(config)),
    ...(touched('halfOpen') && halfOpenOptions(config.halfOpen)),
    ...(touched('attemptDecayMs') && decay(config)),
  }
}

const decay = ({ attemptDecayMs }: CaseConfig): CircuitBreakerOptions =>
  attemptDecayMs === undefined ? {} : { attemptDecay: attemptDecayMs }

function openOptions({
  openDurationMs,
  honorRetryAfter: honors,
  maxRetryAfterMs,
}: CaseConfig): CircuitBreakerOptions {
  const base = openDurationMs === undefined ? undefined : openDuration(openDurationMs)
  if (honors !== true) return base === undefined ? {} : { timeoutDuration: base }
  return {
    timeoutDuration: honorRetryAfter(base ?? 60_000, { max: maxRetryAfterMs ?? Number.MAX_SAFE_INTEGER }),
  }
}

function openDuration(duration: OpenDuration): NonNullable<CircuitBreakerOptions['timeoutDuration']> {
  if (typeof duration === 'number') return duration
  if ('initialMs' in duration) {
    const { initialMs: initial, factor = 2, maxMs: max = Number.MAX_SAFE_INTEGER } = duration
    return exponentialBackoff({ initial, factor, max, jitter: 'none' })
  }
  return ({ attempt }) => duration[Math.min(attempt, duration.length) - 1] ?? Number.NaN
}

function halfOpenOptions(halfOpen: HalfOpen = {}): CircuitBreakerOptions {
  const { maxCalls, maxConcurrent, successesToClose, probeTimeoutMs = Number.POSITIVE_INFINITY } = halfOpen
  return {
    halfOpen: { calls: maxCalls, concurrent: maxConcurrent, successes: successesToClose },
    probeTimeout: probeTimeoutMs,
  }
}

function tripOptions({ trip, slowCallMs }: CaseConfig): CircuitBreakerOptions {
  if (slowCallMs === undefined) return trip === undefined ? {} : { trip: ruleOf(trip) }
  const given = trip ?? { kind: 'consecutive', failures: 5 }
  const rule = ruleOf(given, slowCallMs)
  if (measuresSlow(given)) return { trip: rule }
  // Slow calls are counted, and a slow probe fails, even where no threshold needs them.
  const watch = watchOnly(
    slowCallRate({ threshold: 1, slowerThan: slowCallMs, minCalls: 1, ...firstSpan(given) }),
  )
  return { trip: given.kind === 'never' ? watch : anyOf(watch, rule) }
}

/** A rule whose window can be read, but which is never met in practice. */
const watchOnly = (rule: TripRule): TripRule => allOf(rule, consecutiveFailures(Number.MAX_SAFE_INTEGER))

type Window = Extract<Trip, { kind: 'countWindow' | 'timeWindow' }>
type Span = { readonly lastCalls: number } | { readonly window: number; readonly buckets: number }

const isWindow = (trip: Trip): trip is Window => trip.kind === 'countWindow' || trip.kind === 'timeWindow'

const windowsOf = (trip: Trip): readonly Window[] =>
  isWindow(trip) ? [trip] : 'of' in trip ? trip.of.flatMap(windowsOf) : []

/** Whether the first window, whose counts are the ones read, measures slow calls. */
function measuresSlow(trip: Trip): boolean {
  const first = windowsOf(trip)[0]
  return (
    first !== undefined && first.failureRate === undefined && (first.slowRate !== undefined || isIdle(first))
  )
}

const spanOf = (window: Window): Span =>
  window.kind === 'countWindow'
    ? { lastCalls: window.size }
    : { window: window.durationMs, buckets: window.buckets }

function firstSpan(trip: Trip): Span & { readonly minCalls?: number } {
  const first = windowsOf(trip)[0]
  if (first === undefined) return { window: Number.MAX_SAFE_INTEGER, buckets: 1 }
  return { ...spanOf(first), minCalls: first.minCalls ?? 1 }
}

const isIdle = ({ failureRate: failing, slowRate, failures }: Thresholds): boolean =>
  failing === undefined && slowRate === undefined && failures === undefined

function ruleOf(trip: Trip, slowCallMs?: number): TripRule {
  switch (trip.kind) {
    case 'consecutive':
      return consecutiveFailures(trip.failures)
    case 'never':
      return never()
    case 'any':
      return anyOf(...trip.of.map((each) => ruleOf(each, slowCallMs)))
    case 'all':
      return allOf(...trip.of.map((each) => ruleOf(each, slowCallMs)))
    case 'countWindow':
    case 'timeWindow':
      return windowRule(trip, slowCallMs)
    default:
      return trip satisfies never
  }
}

function windowRule(window: Window, slowCallMs?: number): TripRule {
  const { minCalls, failureRate: failing, slowRate, failures } = window
  const span = { minCalls: minCalls ?? 1, ...spanOf(window) }
  if (isIdle(window)) {
    return watchOnly(
      slowCallMs === undefined
        ? failureRate({ threshold: 1, ...span })
        : slowCallRate({ threshold: 1, slowerThan: slowCallMs, ...span }),
    )
  }
  const rules: TripRule[] = []
  if (failing !== undefined) rules.push(failureRate({ threshold: failing, ...span }))
  if (slowRate !== undefined) {
    if (slowCallMs === undefined) throw new TypeError('`slowRate` needs `slowCallMs`')
    rules.push(slowCallRate({ threshold: slowRate, slowerThan: slowCallMs, ...span }))
  }
  if (failures !== undefined) rules.push(failureCount({ count: failures, minCalls, ...spanOf(window) }))
  const [only, ...others] = rules
  return only !== undefined && others.length === 0 ? only : anyOf(...rules)
}
