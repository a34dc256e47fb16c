import { describeOpenTime, type OpenTimeDescription } from './base/backoff.ts'
import { showDuration } from './base/duration.ts'
import type { CircuitBreakerMode, CircuitBreakerState, Share } from './base/state.ts'
import { check, escapeText, isObject } from './base/validate.ts'
import { CircuitBreaker } from './breaker.ts'
import type { CircuitBreakerSnapshot } from './core/snapshot.ts'
import type { ResolvedOptions } from './options.ts'
import { describeRule } from './trip/describe.ts'
import type { TripRuleDescription, WindowRuleDescription } from './trip/description.ts'
import { nameOf, neededCalls } from './trip/inert.ts'
import type { Window } from './trip/window/window.ts'

/**
 * A rule that cannot trip at the recent traffic, however many calls fail or are slow: its window holds too few calls.
 * Recent are the last 101 calls, as many as the failures after which such a rule is reported.
 */
export interface InertRule {
  /** The name of the rule, as in trip reasons. */
  readonly rule: string
  /** The number of calls that its window must hold. */
  readonly needs: number
  /** The option that says so. */
  readonly option: 'minCalls' | 'count'
  /** The length of its window, in milliseconds. */
  readonly window: number
  /** The most calls that its window held recently; if it has counted for less than its length, what it would hold then. */
  readonly holds: number
}

/** What a breaker does. JSON-safe. */
export interface Explanation {
  /** All sentences, one per line. */
  readonly text: string
  /**
   * What the breaker does, when and for how long, in which state it is, and what does not work. Control characters of
   * names and reasons are escaped.
   */
  readonly sentences: readonly string[]
  /** The name of the breaker. */
  readonly name: string
  /** The mode of the breaker. */
  readonly mode: CircuitBreakerMode
  /** The state in which the next call would find the circuit. */
  readonly state: CircuitBreakerState
  /** The rule that opens the circuit. */
  readonly rule: TripRuleDescription
  /** Whether the rule can trip at the recent traffic, if enough calls fail or are slow. */
  readonly canTrip: boolean
  /** How long the circuit stays open. */
  readonly openTime: OpenTimeDescription
  /** How the circuit probes. */
  readonly halfOpen: {
    /** The maximum number of probes. */
    readonly calls: number
    /** The number of probes that must succeed. */
    readonly successes: number
    /** The maximum number of probes at the same time. */
    readonly concurrent: number
    /** Milliseconds after which a probe without a result counts as failed; `null` for never. */
    readonly probeTimeout: number | null
  }
  /** Milliseconds after which a call times out; `null` for never. */
  readonly callTimeout: number | null
  /** How the breaker takes part in its fleet; `null` if it decides alone. */
  readonly fleet: { readonly share: Share; readonly minReporters: number } | null
  /** The rules that cannot trip at the recent traffic. Known while the circuit is closed. */
  readonly inert: readonly InertRule[]
}

/**
 * Explains what a breaker does, in plain sentences and as data: when it opens and for how long, how it probes, in which
 * state it is, and which of its rules cannot trip at the recent traffic. Changes nothing.
 *
 * @throws {TypeError} if `breaker` is no {@link CircuitBreaker} of this copy of the package.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, explain, failureRate } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   name: 'payments',
 *   trip: failureRate({ threshold: 0.5, window: 10_000 }),
 * })
 * console.log(explain(breaker).sentences[0])
 * // "payments" opens when at least 50 % of the calls in the last 10 s fail (given at least 20 calls).
 * ```
 */
export function explain(breaker: CircuitBreaker): Explanation {
  const circuit = isObject(breaker) ? CircuitBreaker.circuitOf(breaker) : undefined
  check(circuit !== undefined, 'breaker', 'a CircuitBreaker of this copy of the package', breaker)
  const snapshot = circuit.snapshot()
  const options: ResolvedOptions = circuit.options
  const { generation } = circuit
  const { callTimeout, halfOpen, mode, name, share, minReporters, timeoutDuration, trip } = options
  const inert: InertRule[] = []
  const rule = describeRule(trip)
  const windows = generation.state === 'closed' ? generation.windows : []
  const canTrip = findInert(rule, windows.values(), circuit.time.now(), inert)
  const openTime = describeOpenTime(timeoutDuration)
  const sentences = [
    ...describeTrip(rule, mode, JSON.stringify(name)),
    ...describeClassification(options),
    ...describeOpening(openTime),
    ...describeProbes(options),
    callTimeout < Infinity
      ? `A call times out after ${showDuration(callTimeout)}, which counts as a failure.`
      : 'Calls do not time out.',
    ...describeFleet(options, snapshot),
    describeState(snapshot),
    ...inert.map((each) => describeInert(each)),
    ...(canTrip || inert.length === 0
      ? []
      : [
          share === 'pooled'
            ? 'So only the calls of other members, added to its own, can open the circuit.'
            : `So the circuit stays closed, however many calls ${whatTrips(inert)}.`,
        ]),
  ].map(escapeText)
  return {
    text: sentences.join('\n'),
    sentences,
    name,
    mode,
    state: snapshot.state,
    rule: copyRule(rule),
    canTrip,
    openTime,
    halfOpen: { ...halfOpen, probeTimeout: finite(options.probeTimeout) },
    callTimeout: finite(callTimeout),
    fleet: share === undefined ? null : { share, minReporters: minReporters ?? 2 },
    inert,
  }
}

const finite = (ms: number): number | null => (ms < Infinity ? ms : null)

/** Copies a description, since rules keep theirs. */
function copyRule(rule: TripRuleDescription): TripRuleDescription {
  return 'rules' in rule ? { ...rule, rules: rule.rules.map(copyRule) } : { ...rule }
}

/**
 * Collects the rules that cannot trip at the recent traffic, and returns whether the whole rule can.
 *
 * @param windows the windows of the rule, in the order in which it requests them; empty if nothing is counted
 */
function findInert(
  rule: TripRuleDescription,
  windows: Iterator<Window, undefined>,
  now: number,
  inert: InertRule[],
): boolean {
  if (rule.rule === 'never') return false
  if (rule.rule === 'consecutiveFailures') return true
  if ('rules' in rule) {
    // Every rule takes its windows, also when the answer is clear already.
    const canTrip = rule.rules.map((each) => findInert(each, windows, now, inert))
    return rule.rule === 'anyOf' ? canTrip.some(Boolean) : canTrip.every(Boolean)
  }
  const found = windows.next().value
  if (found?.since === undefined || rule.window === undefined) return true
  const [needs, option] = neededCalls(rule)
  const seen = now - found.since
  const holds = Math.floor(seen < rule.window ? (found.recent * rule.window) / seen : found.recent)
  if (holds >= needs) return true
  inert.push({ rule: nameOf(rule), needs, option, window: rule.window, holds })
  return false
}

// Sentences

function describeTrip(rule: TripRuleDescription, mode: CircuitBreakerMode, name: string): string[] {
  const when = toClause(rule)
  const trips = when === '' ? 'never opens by itself, only manually' : `opens when ${when}`
  if (mode === 'enforce') return [`${name} ${trips}.`]
  const does =
    mode === 'observe'
      ? 'decides and reports as described here, but rejects nothing'
      : 'admits every call and counts nothing; what follows applies in other modes'
  return [`${name} is in mode '${mode}': it ${does}.`, `It ${trips}.`]
}

/** Completes the sentence "It opens when …"; empty for a rule that never trips. */
function toClause(rule: TripRuleDescription, isPart = false): string {
  if ('rules' in rule) {
    const parts = rule.rules.filter((each) => toClause(each) !== '')
    const isList = parts.length > 1
    const clauses = parts.map((each) => toClause(each, isPart || isList))
    const all = clauses.join(rule.rule === 'anyOf' ? ', or ' : ', and at the same time ')
    return isPart && isList ? `(${all})` : all
  }
  switch (rule.rule) {
    case 'never':
      return ''
    case 'consecutiveFailures':
      return rule.count === 1 ? 'a call fails' : `${rule.count} calls in a row fail`
    case 'failureRate':
      return `${portion(rule)} ${rule.lastCalls === 1 ? 'fails' : 'fail'}${given(rule)}`
    case 'slowCallRate': {
      const take = rule.lastCalls === 1 ? 'takes' : 'take'
      return `${portion(rule)} ${take} longer than ${showDuration(rule.slowerThan)}${given(rule)}`
    }
    case 'failureCount': {
      const { lastCalls, minCalls } = rule
      if (lastCalls === 1) return 'the last call fails'
      const which = rule.count === lastCalls ? 'all' : `at least ${rule.count}`
      const fail = rule.count === 1 ? 'fails' : 'fail'
      return `${which} of ${theCalls(rule)} ${fail}${minCalls > rule.count ? given(rule) : ''}`
    }
    case 'customRule': {
      const slow =
        rule.slowerThan === undefined ? '' : `; slow is longer than ${showDuration(rule.slowerThan)}`
      return `\`${rule.name}\` returns \`true\` for ${theCalls(rule)}${given(rule, slow)}`
    }
    default:
      return rule satisfies never
  }
}

const theCalls = ({ window, lastCalls }: WindowRuleDescription): string =>
  window !== undefined
    ? `the calls in the last ${showDuration(window)}`
    : `the last ${lastCalls === 1 ? 'call' : `${lastCalls} calls`}`

/** What is left of `minCalls` to say: the last call alone is always at least 1 call. */
const given = ({ minCalls, lastCalls }: WindowRuleDescription, more = ''): string =>
  lastCalls === 1 ? more && ` (${more.slice(2)})` : ` (given at least ${count(minCalls, 'call')}${more})`

/** The subject of a clause about a rate. */
function portion(rule: WindowRuleDescription & { readonly threshold: number }): string {
  if (rule.lastCalls === 1) return theCalls(rule)
  const percent = Number((rule.threshold * 100).toPrecision(6))
  return `${rule.threshold === 1 ? 'all' : `at least ${percent} %`} of ${theCalls(rule)}`
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`

/** Names the options that decide how calls count, which are the user's code. */
function describeClassification({ exclude, classifyError, classifyResult }: ResolvedOptions): string[] {
  const names = Object.entries({ exclude: exclude[0], classifyError, classifyResult })
    .filter(([, given]) => given !== undefined)
    .map(([name]) => `\`${name}\``)
  const list = [names.slice(0, -1).join(', '), ...names.slice(-1)].filter(Boolean).join(' and ')
  return list ? [`Whether a call counts as a success, as a failure or not at all depends on ${list}.`] : []
}

/** The shortest open time that a description allows, in milliseconds. */
function shortest(openTime: OpenTimeDescription): number {
  switch (openTime.kind) {
    case 'fixed':
      return openTime.time
    case 'exponentialBackoff':
      return openTime.initial * { equal: 0.5, full: 0, none: 1 }[openTime.jitter]
    case 'honorRetryAfter':
      return shortest(openTime.base)
    case 'function':
      return 0
    default:
      return openTime satisfies never
  }
}

function describeOpening(openTime: OpenTimeDescription): string[] {
  switch (openTime.kind) {
    case 'fixed':
      return [`It stays open for ${showDuration(openTime.time)}.`]
    case 'exponentialBackoff': {
      const { initial, max, factor, jitter } = openTime
      const grows = factor > 1 && max > initial
      const growth = grows
        ? ` at first, and ${factor} times as long after each failed attempt to recover, up to ${showDuration(max)}`
        : ''
      const random = { equal: 'half of that', full: 'all of that', none: '' }[jitter]
      return [`It stays open for ${showDuration(initial)}${growth}${random && `; ${random} is random`}.`]
    }
    case 'honorRetryAfter': {
      const most = showDuration(openTime.max)
      return [
        ...describeOpening(openTime.base),
        openTime.max > shortest(openTime.base)
          ? `A Retry-After header of the failure can make that longer, up to ${most}.`
          : `A Retry-After header of the failure never makes that longer, since it counts up to ${most} only.`,
      ]
    }
    case 'function': {
      const { name } = openTime
      // A function that is written in the options has the name of its option.
      const shown = name && name !== 'timeoutDuration' ? ` (${name})` : ''
      return [`A function${shown} determines how long it stays open each time.`]
    }
    default:
      return openTime satisfies never
  }
}

function describeProbes({
  halfOpen,
  probeTimeout,
  attemptDecay,
  timeoutDuration,
  trip,
}: ResolvedOptions): string[] {
  const { calls, successes, concurrent } = halfOpen
  const atOnce = concurrent < calls ? `, at most ${concurrent} at a time` : ''
  const sentences = [
    calls === 1
      ? 'Then one call is admitted as a probe: its success closes the circuit, its failure opens it again.'
      : `Then up to ${calls} calls are admitted as probes${atOnce}: the circuit closes once ${count(successes, 'probe')} ${successes === 1 ? 'has' : 'have'} succeeded, and opens again as soon as that is out of reach.`,
    probeTimeout < Infinity
      ? `A probe without a result counts as failed after ${showDuration(probeTimeout)}.`
      : 'A probe may take any time.',
  ]
  if (trip.slowerThan < Infinity)
    sentences.push(`A probe that takes longer than ${showDuration(trip.slowerThan)} counts as failed.`)
  if (attemptDecay > 0 && typeof timeoutDuration === 'function')
    sentences.push(
      `For each ${showDuration(attemptDecay)} closed, one failed attempt to recover is forgotten.`,
    )
  return sentences
}

function describeFleet(
  { share, minReporters = 2, mode, name }: ResolvedOptions,
  { fleet }: CircuitBreakerSnapshot,
): string[] {
  if (share === undefined) return []
  const opens = {
    pooled: `The fleet opens when the calls of all members together meet the rule, and at least ${count(minReporters, 'host')} ${minReporters === 1 ? 'has' : 'have'} seen failures.`,
    'first-trip':
      mode === 'observe'
        ? "This breaker reports its calls, but never opens the fleet in mode 'observe'."
        : 'The fleet opens as soon as this breaker trips.',
    observe: 'This breaker reports its calls, but never opens the fleet.',
  }[share]
  const sentences = [
    `It shares its state with the fleet of all breakers named ${JSON.stringify(name)}.`,
    opens,
  ]
  if (fleet?.link === 'degraded') sentences.push('The storage does not answer: the breaker decides alone.')
  return sentences
}

function describeState({ state, tripReason, retryAfter, scope }: CircuitBreakerSnapshot): string {
  const because = tripReason === null ? '' : ` (${tripReason})`
  const whose = scope === 'fleet' ? ', as is its fleet' : ''
  if (state === 'open')
    return `Now it is open${because}${whose}, and admits a probe in ${showDuration(retryAfter ?? 0)}.`
  if (state === 'isolated') return `Now it is isolated${because}${whose}: only close() ends that.`
  return `Now it is ${state}${because}${whose}.`
}

/** What calls do that the rules count, to complete "however many calls …". */
function whatTrips(inert: readonly InertRule[]): string {
  const slow = inert.filter(({ rule }) => rule === 'slowCallRate').length
  if (slow === 0) return 'fail'
  return slow === inert.length ? 'are slow' : 'fail or are slow'
}

function describeInert({ rule, needs, option, window, holds }: InertRule): string {
  return `At the recent traffic, \`${rule}\` cannot trip: it needs ${count(needs, 'call')} in ${showDuration(window)} (\`${option}\`), and gets about ${holds}.`
}
