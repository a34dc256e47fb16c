import type { OpenTime } from './base/backoff.ts'
import { systemClock, type Clock } from './base/clock.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import { readExclusions, type ClassifyError, type ClassifyResult, type Exclusion } from './base/outcome.ts'
import { readSnapshot, type CircuitBreakerSnapshot } from './core/snapshot.ts'
import type { CircuitBreakerMode, Share } from './base/state.ts'
import { openTime, type CircuitOptions } from './core/options.ts'
import type { MemberOptions } from './fleet/options.ts'
import type { CircuitBreakerStorage } from './storage/storage.ts'
import { ConsecutiveFailures } from './trip/consecutive-failures.ts'
import { TripRule } from './trip/rule.ts'
import {
  aBoolean,
  aClock,
  aString,
  check,
  checkFunction,
  hasMethods,
  isObject,
  merge,
  nonNegative,
  oneOf,
  positiveInteger,
  positiveOrInfinity,
  readList,
  readOptions,
  type Check,
} from './base/validate.ts'

/** How a half-open circuit tests whether the dependency has recovered. */
export interface HalfOpenOptions {
  /**
   * The maximum number of probes in one half-open period.
   *
   * @default `successes` if that is given, otherwise 1
   */
  readonly calls?: number | undefined
  /**
   * The number of probes that must succeed before the circuit closes.
   *
   * @default `calls` if that is given, otherwise 1
   */
  readonly successes?: number | undefined
  /**
   * The maximum number of probes in flight at the same time.
   *
   * @default `calls`
   */
  readonly concurrent?: number | undefined
}

/**
 * The options of a {@link CircuitBreaker}: a plain object, or any other that has some of them as properties or accessors.
 * `undefined` is the same as leaving an option out.
 */
export interface CircuitBreakerOptions {
  /**
   * The name of the breaker in logs, metrics and errors. Breakers that share a `storage` and a name form one fleet.
   *
   * @default `'anonymous-1'`, `'anonymous-2'` and so on
   */
  readonly name?: string | undefined
  /**
   * The number of consecutive failures that opens the circuit: short for `trip: consecutiveFailures(failMax)`.
   *
   * @default 5
   */
  readonly failMax?: number | undefined
  /**
   * Milliseconds that the circuit stays open before it admits a probe, or a function that returns them for each
   * opening, such as `exponentialBackoff()`. 0 is legal. This is not the timeout of a call: see `callTimeout`.
   *
   * @default 60_000
   */
  readonly timeoutDuration?: number | OpenTime | undefined
  /**
   * The rule that opens the circuit. Cannot be combined with `failMax`.
   *
   * @default consecutiveFailures(5)
   */
  readonly trip?: TripRule | undefined
  /**
   * Error classes, and predicates that return `true` for an error. Matching errors are ignored: they count neither as a
   * failure nor as a success. A predicate that throws is reported and excludes nothing.
   *
   * @default []
   */
  readonly exclude?: readonly Exclusion[] | undefined
  /**
   * Classifies an error that `exclude` does not match. Return `undefined` for the default,
   * which also holds if the function throws.
   *
   * @default every error is a failure
   */
  readonly classifyError?: ClassifyError | undefined
  /**
   * Classifies a result. The caller receives the result whatever its classification. Return `undefined` for the
   * default, which also holds if the function throws.
   *
   * @default every result is a success
   */
  readonly classifyResult?: ClassifyResult | undefined
  /**
   * Milliseconds after which a call times out: it rejects with a `CallTimeoutError` and counts as a failure.
   *
   * @default Infinity
   */
  readonly callTimeout?: number | undefined
  /**
   * How many probes a half-open circuit admits, and how many of them must succeed to close it.
   *
   * @default { calls: 1, successes: 1, concurrent: 1 }
   */
  readonly halfOpen?: HalfOpenOptions | undefined
  /**
   * Milliseconds after which a probe without a result counts as failed; `Infinity` turns this off. For a generator they
   * restart at each value, and a probe that waits for its consumer for longer is ignored.
   *
   * @default the largest of 30_000, `timeoutDuration` if it is a number, and `callTimeout` if it is finite
   */
  readonly probeTimeout?: number | undefined
  /**
   * Milliseconds in the closed state after which the escalation (`attempt`) decreases by one. Use it for dependencies
   * that flap. 0 resets the escalation as soon as the circuit closes.
   *
   * @default 0
   */
  readonly attemptDecay?: number | undefined
  /**
   * Whether the call that opens the circuit rejects with a `CircuitBreakerError` whose `cause` is the original error,
   * as in aiobreaker. Otherwise it rejects with the original error.
   *
   * @default false
   */
  readonly errorOnTrip?: boolean | undefined
  /**
   * The initial listeners. See {@link CircuitBreaker.addListener}.
   *
   * @default []
   */
  readonly listeners?: readonly CircuitBreakerListener[] | undefined
  /**
   * Receives what user code throws: a listener, predicate, classifier, clock and so on. Such an error never reaches a
   * call.
   *
   * @default one process warning for the first error
   */
  readonly onListenerError?: ((error: unknown) => unknown) | undefined
  /**
   * `'enforce'` rejects calls while the circuit is open. `'observe'` makes and reports the same decisions but rejects
   * nothing. `'off'` admits every call and counts nothing.
   *
   * @default 'enforce'
   */
  readonly mode?: CircuitBreakerMode | undefined
  /**
   * A snapshot whose state becomes the initial state of the breaker.
   *
   * @default the breaker starts closed
   */
  readonly restore?: CircuitBreakerSnapshot | undefined
  /**
   * A monotonic clock whose `now()` returns milliseconds. It also drives the timeouts if it has timers (`setTimer`).
   *
   * @default `performance.now()`, and for the end of an open time also `Date.now()`, if the former has stopped
   */
  readonly clock?: Clock | undefined
  /**
   * Returns a random number from 0 to 1, for jitter.
   *
   * @default Math.random
   */
  readonly random?: (() => number) | undefined
  /**
   * The storage through which all breakers of this name, in any number of processes, share one state: a fleet. Requires
   * a `name`.
   *
   * @default none: the breaker decides alone
   */
  readonly storage?: CircuitBreakerStorage | undefined
  /**
   * When this breaker opens its fleet. `'pooled'`: when the counts of all members together meet the trip rule, and at
   * least `minReporters` hosts have seen failures. `'first-trip'`: as soon as this breaker trips. `'observe'`: never;
   * it only reports.
   *
   * @default 'pooled'
   */
  readonly share?: Share | undefined
  /**
   * The number of hosts, from 1 to 8, that must have seen failures before pooled counts can open the fleet.
   *
   * @default 2
   */
  readonly minReporters?: number | undefined
  /**
   * Identifies the host for `minReporters`. Breakers with the same `reporter` count as one host.
   *
   * @default a hash of the host's name, so that all processes on a host are one reporter
   */
  readonly reporter?: string | undefined
  /**
   * The maximum number of milliseconds that a call waits for the fleet's permission to be a probe.
   *
   * @default 100
   */
  readonly probeDeadline?: number | undefined
  /**
   * Whether the process may be frozen between requests, as serverless functions are. Then nothing runs in the
   * background: a call first waits, for at most `probeDeadline`, for the shared state if its copy is older than five
   * seconds; failures are sent when a call ends, everything else with the next exchange or `flush()`. The default
   * `reporter` is then the process itself.
   *
   * @default false
   */
  readonly ephemeral?: boolean | undefined
}

/** The same options, each of which may also be `null`. */
type OrNull<Options> = { readonly [Name in keyof Options]: Options[Name] | null }

/**
 * The options that {@link CircuitBreaker.configure} can change. `null` sets an option back to its default. The parts of
 * `halfOpen` that are left out stay as they were given.
 */
export type CircuitBreakerPatch = OrNull<
  Omit<
    CircuitBreakerOptions,
    | 'halfOpen'
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
> & {
  /** How many probes a half-open circuit admits, and how many of them must succeed to close it. */
  readonly halfOpen?: OrNull<HalfOpenOptions> | null | undefined
}

/** All options of a breaker, with the defaults filled in. */
export interface ResolvedOptions extends CircuitOptions, Partial<MemberOptions> {
  /** The storage of the fleet; left out if the breaker decides alone. */
  readonly storage?: CircuitBreakerStorage
}

// The storage checks the options of the fleet. Without a storage they must be left out: see `checkAlone`.
const leftToStorage: Check = () => {}

const fleetChecks = {
  share: leftToStorage,
  minReporters: leftToStorage,
  reporter: leftToStorage,
  probeDeadline: leftToStorage,
  ephemeral: leftToStorage,
}

/** The options that `configure` cannot change. */
const fixedChecks = {
  name: aString,
  listeners: (value: unknown, name: string) => readList(value, name, 'an array of listeners', checkListener),
  restore: readSnapshot,
  clock: aClock,
  random: checkFunction,
  storage: (value: unknown, name: string) =>
    check(hasMethods(value, 'join', 'resolve'), name, 'a storage, such as RedisStorage', value),
  ...fleetChecks,
}

const checks: Record<keyof CircuitBreakerOptions, Check> = {
  failMax: positiveInteger,
  timeoutDuration: (value, name) => {
    if (typeof value !== 'function') openTime(value, name)
  },
  trip: (value, name) => TripRule.check(value, name),
  exclude: readExclusions,
  classifyError: checkFunction,
  classifyResult: checkFunction,
  callTimeout: positiveOrInfinity,
  halfOpen: (value, name, nullable) => {
    const given = readOptions<HalfOpenOptions>(value, positiveIntegers, name, `${name}.`, nullable)
    if (!nullable) resolveHalfOpen(given, name)
    return given
  },
  probeTimeout: positiveOrInfinity,
  attemptDecay: nonNegative,
  errorOnTrip: aBoolean,
  onListenerError: checkFunction,
  mode: oneOf(['enforce', 'observe', 'off']),
  ...fixedChecks,
}

// Breakers with default options share these objects.
const NONE: readonly Exclusion[] = Object.freeze([])
const ONE_PROBE = Object.freeze({ calls: 1, successes: 1, concurrent: 1 })
const FIVE_FAILURES = new ConsecutiveFailures(5, 5)

let anonymous = 0

/** What the user gave of those options whose defaults depend on others. */
const ownOptions = new WeakMap<ResolvedOptions, Pick<CircuitBreakerOptions, 'halfOpen' | 'probeTimeout'>>()

/** Checks the user's options one by one and copies them. `path` precedes their names in messages. */
export function readCircuitOptions(given: unknown, what = 'options', path = ''): CircuitBreakerOptions {
  return readOptions<CircuitBreakerOptions>(given, checks, what, path)
}

/** Checks the options for `configure` one by one and copies them. `undefined` then stands for a default. */
export function readPatch(given: unknown): CircuitBreakerOptions {
  return readOptions<CircuitBreakerOptions>(given, checks, 'options', '', true)
}

/** Fills in the defaults and rejects combinations that cannot work. */
export function resolveOptions(given: CircuitBreakerOptions): ResolvedOptions {
  const { failMax, trip, halfOpen, timeoutDuration = 60_000, callTimeout = Infinity, probeTimeout } = given
  const isShort = trip?.failMax !== undefined // made from a `failMax`, which a given one replaces
  check(failMax === undefined || !trip || isShort, 'failMax', 'left out where `trip` is given', failMax)
  const rule =
    failMax === undefined || trip?.failMax === failMax
      ? (trip ?? FIVE_FAILURES)
      : new ConsecutiveFailures(failMax, failMax)
  rule.checkTimeout(callTimeout)
  const options: ResolvedOptions = Object.freeze({
    name: given.name ?? `anonymous-${++anonymous}`,
    failMax: rule.failMax,
    trip: rule,
    timeoutDuration,
    exclude: given.exclude ?? NONE,
    classifyError: given.classifyError,
    classifyResult: given.classifyResult,
    callTimeout,
    halfOpen: halfOpen ? resolveHalfOpen(halfOpen, 'halfOpen') : ONE_PROBE,
    probeTimeout:
      probeTimeout ??
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
  if (halfOpen || probeTimeout !== undefined) ownOptions.set(options, { halfOpen, probeTimeout })
  return options
}

/** Whether two values are the same, or all parts of the first are, if these are objects. */
function isSame(value: unknown, present: unknown, hasParts: boolean): boolean {
  if (value === present || !hasParts || !isObject(value)) return value === present
  const before = present as typeof value
  return (
    value['length'] === before['length'] && Object.keys(value).every((part) => value[part] === before[part])
  )
}

/**
 * Applies a patch. What is in force already is no change, so that `configure`
 * accepts all options of a breaker. What was computed from other options is computed again.
 */
export function patchOptions(before: ResolvedOptions, given: CircuitBreakerOptions): ResolvedOptions {
  const patch: { -readonly [Name in keyof CircuitBreakerOptions]: CircuitBreakerOptions[Name] } = merge(given)
  let changes = false
  for (const name of Object.keys(patch) as (keyof CircuitBreakerOptions)[]) {
    if (isSame(patch[name], before[name as keyof ResolvedOptions], /^(halfOpen|exclude)$/.test(name))) {
      // A lease as long as the computed one may still be meant to stay when the others change.
      if (name !== 'probeTimeout') delete patch[name]
      continue
    }
    check(
      !Object.hasOwn(fixedChecks, name),
      name,
      'left as it is, which `configure` cannot change',
      patch[name],
    )
    changes = true
  }
  if (!changes) return before
  const own = ownOptions.get(before) ?? { halfOpen: undefined, probeTimeout: undefined }
  if (patch.halfOpen) patch.halfOpen = merge<HalfOpenOptions>(own.halfOpen, patch.halfOpen)
  const replaced = {
    trip: 'failMax' in patch ? undefined : before.trip,
    failMax: patch.trip ? undefined : before.failMax,
  }
  return resolveOptions(merge<CircuitBreakerOptions>(before, own, replaced, patch))
}
function checkAlone(given: CircuitBreakerOptions): undefined {
  for (const name of Object.keys(fleetChecks) as (keyof typeof fleetChecks)[]) {
    check(given[name] === undefined, name, 'left out where there is no `storage`', given[name])
  }
}

const positiveIntegers = { calls: positiveInteger, successes: positiveInteger, concurrent: positiveInteger }

function resolveHalfOpen(given: HalfOpenOptions, name: string): ResolvedOptions['halfOpen'] {
  const calls = given.calls ?? given.successes ?? 1
  const { successes = calls, concurrent = calls } = given
  const most = `a number up to \`${name}.calls\` (${calls})`
  check(successes <= calls, `${name}.successes`, `${most}, else the circuit never closes`, successes)
  check(concurrent <= calls, `${name}.concurrent`, most, concurrent)
  return Object.freeze({ calls, successes, concurrent })
}
