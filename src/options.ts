import type { OpenTime } from './base/backoff.ts'
import { systemClock, type Clock } from './base/clock.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import { readExclusions, type ClassifyError, type ClassifyResult, type Exclusion } from './base/outcome.ts'
import { readSnapshot, type CircuitBreakerSnapshot } from './core/snapshot.ts'
import type { CircuitBreakerMode, Share } from './base/state.ts'
import { openTime, type CircuitOptions } from './core/options.ts'
import type { MemberOptions } from './fleet/options.ts'
import type { CircuitBreakerStorage } from './storage/storage.ts'
import { consecutiveFailures } from './trip/consecutive-failures.ts'
import { TripRule } from './trip/rule.ts'
import {
  aBoolean,
  aClock,
  aString,
  check,
  checkFunction,
  isObject,
  nonNegative,
  oneOf,
  positiveInteger,
  positiveOrInfinity,
  readList,
  readOptions,
  type Check,
} from './base/validate.ts'

/** How a half-open circuit finds out whether the dependency is well again. */
export interface HalfOpenOptions {
  /** How many calls may pass as probes in one half-open period. Default: `successes`, else 1. */
  readonly calls?: number | undefined
  /** How many of them must succeed to close the circuit. Default: `calls`, else 1. */
  readonly successes?: number | undefined
  /** How many may be in flight at once. Default: `calls`. */
  readonly concurrent?: number | undefined
}

/** The options of a {@link CircuitBreaker}. An option that is `undefined` counts as left out. */
export interface CircuitBreakerOptions {
  /** For logs, metrics and errors. Default `'anonymous-N'`. */
  readonly name?: string | undefined
  /** Consecutive failures that open the circuit: short for `trip: consecutiveFailures(n)`. Default 5. */
  readonly failMax?: number | undefined
  /**
   * How long the circuit stays open before it lets a probe through, in milliseconds, or a function that decides it for
   * each opening. Default 60,000; 0 is legal. Not a limit on a call: that is `callTimeout`.
   */
  readonly timeoutDuration?: number | OpenTime | undefined
  /** When the circuit opens. Default `consecutiveFailures(5)`. */
  readonly trip?: TripRule | undefined
  /** Error classes and predicates whose errors are ignored: neither failure nor success. Default none. */
  readonly exclude?: readonly Exclusion[] | undefined
  /** Decides what an error means, after `exclude`. Default: a failure. */
  readonly classifyError?: ClassifyError | undefined
  /** Decides what a result means; it is returned to the caller all the same. Default: a success. */
  readonly classifyResult?: ClassifyResult | undefined
  /** Deadline of one call, in milliseconds: it rejects with `CallTimeoutError` and fails. Default `Infinity`, none. */
  readonly callTimeout?: number | undefined
  /** How many probes, and how many successes close the circuit. Default one of each. */
  readonly halfOpen?: HalfOpenOptions | undefined
  /**
   * Milliseconds after which a probe that has not answered counts as failed; `Infinity` turns this off. Default: the
   * largest of 30,000, `timeoutDuration` if it is a number, and `callTimeout` if it is finite.
   */
  readonly probeTimeout?: number | undefined
  /**
   * Milliseconds of closed time after which one step of the escalation (`attempt`) is forgotten, for dependencies that
   * flap. Default 0: all of it is forgotten when the circuit closes.
   */
  readonly attemptDecay?: number | undefined
  /**
   * Whether the call that opens the circuit rejects with a `CircuitBreakerError` whose `cause` is its error, as with
   * aiobreaker. Default `false`: it gets its own error.
   */
  readonly errorOnTrip?: boolean | undefined
  readonly listeners?: readonly CircuitBreakerListener[] | undefined
  /** Hears what user code (a listener, predicate, classifier, clock …) throws. Default: one process warning. */
  readonly onListenerError?: ((error: unknown) => unknown) | undefined
  /** `'enforce'` (default), `'observe'`: decide and report but reject nothing, or `'off'`: pass everything. */
  readonly mode?: CircuitBreakerMode | undefined
  /** A snapshot whose state the breaker begins in. */
  readonly restore?: CircuitBreakerSnapshot | undefined
  /** A monotonic clock in milliseconds. Default `performance.now()`. */
  readonly clock?: Clock | undefined
  /** Randomness from 0 up to 1, for jitter. Default `Math.random`. */
  readonly random?: (() => number) | undefined
  /**
   * Where breakers of this name in many processes keep one shared state: a fleet. Needs a `name`. Default none: the
   * breaker decides alone.
   */
  readonly storage?: CircuitBreakerStorage | undefined
  /**
   * When the fleet opens. `'pooled'` (default): when its members together meet the rule, and enough of them saw it;
   * `'first-trip'`: when any member trips; `'observe'`: never, this breaker only reports.
   */
  readonly share?: Share | undefined
  /** How many hosts must have seen failures for a fleet to open on pooled counts, 1 to 8. Default 2. */
  readonly minReporters?: number | undefined
  /** What counts as one host. Default a hash of the host's name: all processes of a host are one reporter. */
  readonly reporter?: string | undefined
  /** How long a call waits for the fleet's leave to be a probe, in milliseconds. Default 100. */
  readonly probeDeadline?: number | undefined
  /**
   * For a process that is frozen between requests, as serverless functions are. Default `false`. Nothing is sent in the
   * background: a call waits for the shared state (at most `probeDeadline`) if what is known of it is older than five
   * seconds, failures are sent when a call ends, the rest with the next exchange or `flush()`. The `reporter` is this
   * instance by default.
   */
  readonly ephemeral?: boolean | undefined
}

/** The options that {@link CircuitBreaker.configure} can change. */
export type CircuitBreakerPatch = Omit<
  CircuitBreakerOptions,
  | 'name'
  | 'clock'
  | 'random'
  | 'restore'
  | 'listeners'
  | 'storage'
  | 'share'
  | 'minReporters'
  | 'reporter'
  | 'probeDeadline'
  | 'ephemeral'
>

/** The options with their defaults filled in. */
export interface ResolvedOptions extends CircuitOptions, Partial<MemberOptions> {
  readonly storage?: CircuitBreakerStorage
}

// The storage brings the checks of what concerns the fleet; without one, it must be left out.
const leftToStorage: Check = () => {}

const patchChecks: Record<keyof CircuitBreakerPatch, Check> = {
  failMax: positiveInteger,
  timeoutDuration: (value, name) => {
    if (typeof value !== 'function') openTime(value, name)
  },
  trip: (value, name) => check(TripRule.is(value), name, 'a trip rule, such as failureRate({ … })', value),
  exclude: readExclusions,
  classifyError: checkFunction,
  classifyResult: checkFunction,
  callTimeout: positiveOrInfinity,
  halfOpen: (value) => readHalfOpen(value),
  probeTimeout: positiveOrInfinity,
  attemptDecay: nonNegative,
  errorOnTrip: aBoolean,
  onListenerError: checkFunction,
  mode: oneOf(['enforce', 'observe', 'off']),
}

const checks: Record<keyof CircuitBreakerOptions, Check> = {
  ...patchChecks,
  name: aString,
  listeners: (value, name) => readList(value, name, 'an array of listeners', checkListener),
  restore: readSnapshot,
  clock: aClock,
  random: checkFunction,
  storage: (value, name) =>
    check(
      isObject(value) && typeof value['join'] === 'function',
      name,
      'a CircuitBreakerStorage, such as RedisStorage',
      value,
    ),
  share: leftToStorage,
  minReporters: leftToStorage,
  reporter: leftToStorage,
  probeDeadline: leftToStorage,
  ephemeral: leftToStorage,
}

// The defaults are shared by all breakers that have them.
const NONE: readonly Exclusion[] = Object.freeze([])
const ONE_PROBE = Object.freeze({ calls: 1, successes: 1, concurrent: 1 })
const FIVE_FAILURES = consecutiveFailures(5)

let anonymous = 0

/** The options whose `probeTimeout` is the user's own. */
const withOwnProbeTimeout = new WeakSet<ResolvedOptions>()

/** The user's options, checked one by one, in an object that is ours. */
export function readCircuitOptions(given: unknown): CircuitBreakerOptions {
  return readOptions<CircuitBreakerOptions>(given, checks, 'options')
}

export function readPatch(given: unknown): CircuitBreakerPatch {
  return readOptions<CircuitBreakerPatch>(given, patchChecks, 'the options to configure')
}

/** Fills in the defaults and refuses combinations that cannot work. */
export function resolveOptions(given: CircuitBreakerOptions): ResolvedOptions {
  const { failMax, trip, timeoutDuration = 60_000, callTimeout = Infinity } = given
  check(failMax === undefined || trip === undefined, 'failMax', 'left out where `trip` is given', failMax)
  const rule = trip ?? (failMax === undefined ? FIVE_FAILURES : consecutiveFailures(failMax))
  check(
    rule.slowest <= callTimeout,
    'slowerThan',
    `a number up to \`callTimeout\` (${callTimeout}), else no call is ever slow`,
    rule.slowest,
  )
  const options: ResolvedOptions = Object.freeze({
    name: given.name ?? `anonymous-${++anonymous}`,
    failMax: trip ? undefined : (failMax ?? 5),
    trip: rule,
    timeoutDuration,
    exclude: given.exclude ?? NONE,
    classifyError: given.classifyError,
    classifyResult: given.classifyResult,
    callTimeout,
    halfOpen: given.halfOpen ? readHalfOpen(given.halfOpen) : ONE_PROBE,
    probeTimeout:
      given.probeTimeout ??
      Math.max(
        30_000,
        typeof timeoutDuration === 'number' ? timeoutDuration : 0,
        callTimeout < Infinity ? callTimeout : 0,
      ),
    attemptDecay: given.attemptDecay ?? 0,
    errorOnTrip: given.errorOnTrip ?? false,
    onListenerError: given.onListenerError,
    mode: given.mode ?? 'enforce',
    clock: given.clock ?? systemClock,
    random: given.random ?? Math.random,
    ...(given.storage
      ? { storage: given.storage, ...given.storage.resolve(given, rule) }
      : checkAlone(given)),
  })
  if (given.probeTimeout !== undefined) withOwnProbeTimeout.add(options)
  return options
}

/** The options after a change. A `probeTimeout` that was worked out from other options is worked out anew. */
export function patchOptions(before: ResolvedOptions, patch: CircuitBreakerPatch): ResolvedOptions {
  return resolveOptions({
    ...before,
    trip: before.failMax === undefined && patch.failMax === undefined ? before.trip : undefined,
    failMax: patch.trip ? undefined : before.failMax,
    probeTimeout: withOwnProbeTimeout.has(before) ? before.probeTimeout : undefined,
    ...patch,
  })
}

const FLEET_ONLY = ['share', 'minReporters', 'reporter', 'probeDeadline', 'ephemeral'] as const

function checkAlone(given: CircuitBreakerOptions): undefined {
  for (const name of FLEET_ONLY) {
    check(given[name] === undefined, name, 'left out where there is no `storage`', given[name])
  }
}

function readHalfOpen(value: unknown): ResolvedOptions['halfOpen'] {
  const given = readOptions<HalfOpenOptions>(
    value,
    { calls: positiveInteger, successes: positiveInteger, concurrent: positiveInteger },
    'halfOpen',
  )
  const calls = given.calls ?? given.successes ?? 1
  const successes = given.successes ?? calls
  check(
    successes <= calls,
    'halfOpen.successes',
    `a number up to \`halfOpen.calls\` (${calls}), else the circuit never closes`,
    successes,
  )
  return Object.freeze({ calls, successes, concurrent: given.concurrent ?? calls })
}
