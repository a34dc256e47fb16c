import { CallTimeoutError } from '../base/errors.ts'
import type { CircuitBreakerState } from '../base/state.ts'
import {
  check,
  nonNegative,
  nonNegativeInteger,
  numberCheck,
  positive,
  readOptions,
  type Check,
} from '../base/validate.ts'
import { CircuitBreaker } from '../breaker.ts'
import type { Permit } from '../core/permit.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from '../options.ts'
import { ManualClock } from './clock.ts'
import { seeded } from './storage-kit/random.ts'

/**
 * The options of the breaker in a simulation. The `options` of an existing breaker are accepted too: a simulation has
 * its own clock and random numbers, and no fleet, so it ignores those options.
 */
export type SimulatedBreakerOptions = Omit<
  CircuitBreakerOptions,
  'clock' | 'random' | 'storage' | 'share' | 'minReporters' | 'reporter' | 'probeDeadline' | 'ephemeral'
>

/** An outage in a simulation. */
export interface SimulatedOutage {
  /** When it begins, in milliseconds after the start. */
  readonly from: number
  /** How long it lasts, in milliseconds. */
  readonly for: number
  /**
   * The share of the calls started in it that fail, from 0 to 1.
   *
   * @default 1
   */
  readonly failureRate?: number | undefined
  /**
   * How long a call takes that is started in it, in milliseconds.
   *
   * @default `duration` of the simulation
   */
  readonly duration?: number | undefined
  /**
   * What a failing call throws, for `exclude`, `classifyError` and `honorRetryAfter`.
   *
   * @default an `Error`
   */
  readonly error?: unknown
}

/** The options of {@link simulate}. */
export interface SimulationOptions {
  /** The number of calls per `per`. They are started at regular intervals. */
  readonly calls: number
  /** The time in which `calls` calls are started, in milliseconds. */
  readonly per: number
  /** The outage. All other calls succeed. */
  readonly outage: SimulatedOutage
  /**
   * How long the simulation lasts, in milliseconds. At most 10,000,000 calls are started in it.
   *
   * @default twice the time to the end of the outage
   */
  readonly for?: number | undefined
  /**
   * How long a call takes, in milliseconds.
   *
   * @default 0
   */
  readonly duration?: number | undefined
  /**
   * Determines which calls fail where only some do, and the jitter. The same seed gives the same result.
   *
   * @default 1
   */
  readonly seed?: number | undefined
}

/** What a breaker did in a simulation. Times are in milliseconds. */
export interface SimulationResult {
  /** The number of calls. */
  readonly calls: number
  /** The number of admitted calls. */
  readonly admitted: number
  /** The number of rejected calls. */
  readonly rejected: number
  /**
   * When the circuit first opened after the beginning of the outage: after how many calls and how much time; `null` if
   * it did not.
   */
  readonly opened: { readonly calls: number; readonly time: number } | null
  /**
   * How long after the end of the outage the circuit was closed for good; 0 if it was closed then. `null` if it never
   * opened, was not closed when the simulation ended, or the simulation ended before the outage.
   */
  readonly closed: { readonly time: number } | null
  /** The number of failing calls that were admitted. */
  readonly failuresAdmitted: number
  /** The number of rejected calls that would have succeeded. */
  readonly goodRejected: number
  /** The number of calls that were admitted as probes. */
  readonly probes: number
  /** Probes per minute in which the circuit was not closed; 0 if it always was. */
  readonly probesPerMinute: number
  /** How often the circuit would have opened in mode `'observe'`. */
  readonly wouldTrip: number
  /** All changes of the state. */
  readonly transitions: readonly SimulatedTransition[]
}

/** A change of the state in a simulation. */
export interface SimulatedTransition {
  /** When, in milliseconds after the start. */
  readonly at: number
  /** The previous state. */
  readonly from: CircuitBreakerState
  /** The new state. */
  readonly to: CircuitBreakerState
  /** Why, as in the events of a breaker. */
  readonly reason: string
}

const MOST_CALLS = 10_000_000
const MINUTE = 60_000

const share: Check = numberCheck('a number from 0 to 1', (n) => n >= 0 && n <= 1)

/** Names an option of the outage in full. */
const ofOutage =
  (checkOption: Check): Check =>
  (value, name) =>
    checkOption(value, `outage.${name}`)

function readOutage(given: unknown): SimulatedOutage {
  const outage = readOptions<SimulatedOutage>(
    given,
    {
      from: ofOutage(nonNegative),
      for: ofOutage(positive),
      failureRate: ofOutage(share),
      duration: ofOutage(nonNegative),
      error: () => {},
    },
    'outage',
  )
  nonNegative(outage.from, 'outage.from')
  positive(outage.for, 'outage.for')
  return outage
}

function readSimulation(given: unknown): SimulationOptions {
  const simulation = readOptions<SimulationOptions>(
    given,
    {
      calls: positive,
      per: positive,
      outage: readOutage,
      for: positive,
      duration: nonNegative,
      seed: nonNegativeInteger,
    },
    'options of the simulation',
  )
  positive(simulation.calls, 'calls')
  positive(simulation.per, 'per')
  check(simulation.outage !== undefined, 'outage', 'an object', simulation.outage)
  return simulation
}

/** Replaces the options that a simulation ignores. */
const IGNORED: {
  readonly [Name in Exclude<keyof CircuitBreakerOptions, keyof SimulatedBreakerOptions>]: undefined
} = {
  clock: undefined,
  random: undefined,
  storage: undefined,
  share: undefined,
  minReporters: undefined,
  reporter: undefined,
  probeDeadline: undefined,
  ephemeral: undefined,
}

/** Creates a breaker with the options of the user, the clock of the simulation, and its random numbers. */
function createBreaker(options: unknown, clock: ManualClock, random: () => number): CircuitBreaker {
  return new CircuitBreaker({ ...readCircuitOptions(options), ...IGNORED, clock, random })
}

/** A call in flight. */
interface PendingCall {
  readonly end: number
  settle(): unknown
}

/** Calls in flight, in the order in which they end. Each operation takes constant time, however many calls there are. */
class PendingCalls {
  #calls: PendingCall[] = []
  #settled = 0

  get next(): PendingCall | undefined {
    return this.#calls[this.#settled]
  }

  add(call: PendingCall): void {
    this.#calls.push(call)
  }

  /** Removes the next call. `shift` would move all others each time. */
  remove(): void {
    if (++this.#settled * 2 < this.#calls.length) return
    this.#calls = this.#calls.slice(this.#settled)
    this.#settled = 0
  }
}

/**
 * Simulates what a breaker of these options does in an outage: when it opens, how many failing calls it lets through,
 * how many good ones it rejects, and when it closes again. The breaker is a real one, only time is virtual: 100,000
 * calls take a fraction of a second.
 *
 * A call ends after its `duration`, or times out after `callTimeout` if that is no longer. `classifyResult` is not asked.
 *
 * @throws {TypeError | RangeError} for an invalid option of the breaker or of the simulation, and for more than
 *   10,000,000 calls.
 *
 * @example
 * ```ts
 * import { simulate } from 'recloser/testing'
 *
 * // 100 calls per second; the dependency is down for a minute.
 * const { opened, failuresAdmitted, goodRejected, closed } = simulate(
 *   { failMax: 5, timeoutDuration: 10_000 },
 *   { calls: 100, per: 1_000, outage: { from: 10_000, for: 60_000 } },
 * )
 * console.log(opened) // { calls: 5, time: 40 }
 * console.log(failuresAdmitted, goodRejected, closed) // 10 4 { time: 40 }
 * ```
 */
export function simulate(options: SimulatedBreakerOptions, simulation: SimulationOptions): SimulationResult {
  const { calls, per, outage, duration = 0, seed = 1, for: length } = readSimulation(simulation)
  const { from, failureRate = 1, error = new Error('simulated outage') } = outage
  const end = from + outage.for
  const total = length ?? 2 * end
  const interval = per / calls
  const count = Math.ceil(total / interval)
  check(count <= MOST_CALLS, 'calls', `a number that makes at most ${MOST_CALLS} calls in all`, calls)

  const clock = new ManualClock()
  const breaker = createBreaker(options, clock, seeded(2 * seed))
  const { state: initial } = breaker
  const { callTimeout } = breaker.options
  const timeoutError = new CallTimeoutError(breaker.name, callTimeout)
  const isUnlucky = seeded(2 * seed + 1)
  const transitions: SimulatedTransition[] = []
  let admitted = 0
  let failuresAdmitted = 0
  let goodRejected = 0
  let probes = 0
  let wouldTrip = 0
  let callsInOutage = 0
  let opened: SimulationResult['opened'] = null
  breaker.addListener({
    stateChange: ({ from: before, to, reason }) => {
      const at = clock.now()
      transitions.push({ at, from: before, to, reason })
      if (to === 'open' && at >= from) opened ??= { calls: callsInOutage, time: at - from }
    },
    wouldTrip: () => wouldTrip++,
  })

  // Two queues, since calls started in the outage may take another time. In each the calls end in order.
  const usual = new PendingCalls()
  const troubled = new PendingCalls()
  const settleUntil = (now: number): void => {
    for (;;) {
      const [a, b] = [usual.next, troubled.next]
      const queue = !b || (a && a.end <= b.end) ? usual : troubled
      const { next } = queue
      if (!next || next.end > now) return
      queue.remove()
      clock.set(next.end)
      next.settle()
    }
  }
  const toSettle = (permit: Permit, fails: boolean, timesOut: boolean) => (): unknown => {
    if (timesOut) return permit.failure(timeoutError)
    return fails ? permit.failure(error) : permit.success()
  }

  for (let i = 0; i < count; i++) {
    const start = i * interval
    settleUntil(start)
    clock.set(start)
    const isIn = start >= from && start < end
    if (start >= from) callsInOutage++
    const takes = isIn ? (outage.duration ?? duration) : duration
    const timesOut = takes >= callTimeout // the timer of the timeout starts before the call
    const fails = isIn && isUnlucky() < failureRate
    const isBad = fails || timesOut
    const permit = breaker.tryAcquire()
    if (!permit) {
      if (!isBad) goodRejected++
      continue
    }
    admitted++
    if (isBad) failuresAdmitted++
    if (breaker.state === 'half-open') probes++
    const settle = toSettle(permit, fails, timesOut)
    if (takes === 0) settle()
    else (isIn ? troubled : usual).add({ end: start + Math.min(takes, callTimeout), settle })
  }
  settleUntil(total)

  const notClosed = timeNotClosed(initial, transitions, total)
  return {
    calls: count,
    admitted,
    rejected: count - admitted,
    opened,
    closed: opened && total >= end ? closingOf(transitions, end) : null,
    failuresAdmitted,
    goodRejected,
    probes,
    probesPerMinute: notClosed > 0 ? (probes * MINUTE) / notClosed : 0,
    wouldTrip,
    transitions,
  }
}

/** Returns for how many milliseconds the circuit was not closed. */
function timeNotClosed(
  initial: CircuitBreakerState,
  transitions: readonly SimulatedTransition[],
  total: number,
): number {
  let sum = 0
  let since = initial === 'closed' ? total : 0
  for (const { at, from, to } of transitions) {
    if (from !== 'closed') sum += at - since
    since = to === 'closed' ? total : at
  }
  return sum + total - since
}

/** Returns when the circuit was closed for good, after the end of the outage; `null` if it was not. */
function closingOf(transitions: readonly SimulatedTransition[], end: number): SimulationResult['closed'] {
  const last = transitions.at(-1)
  return last?.to === 'closed' ? { time: Math.max(0, last.at - end) } : null
}
