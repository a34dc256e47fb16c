import type { CircuitBreaker } from './breaker.ts'
import { MonotonicTime, systemClock } from './clock.ts'
import { CircuitBreakerError } from './errors.ts'
import { ClosedGeneration } from './generation/closed.ts'
import { HalfOpenGeneration, type Probe } from './generation/half-open.ts'
import { OpenGeneration } from './generation/open.ts'
import { Listeners } from './listener.ts'
import {
  openTime,
  resolveOptions,
  type CircuitBreakerOptions,
  type CircuitBreakerPatch,
  type ResolvedOptions,
} from './options.ts'
import { classify, handleRejection, toPredicate, type Predicate } from './outcome.ts'
import { CallPermit } from './permit.ts'
import { handOver, renderError, warn, type Reporter } from './reporter.ts'
import { describeFailure, type CircuitBreakerSnapshot } from './snapshot.ts'
import type { CircuitBreakerState, Outcome } from './state.ts'
import { beginRule } from './trip/rule.ts'

/** A generation that admits calls. */
export type Admitting = ClosedGeneration | HalfOpenGeneration
export type Generation = Admitting | OpenGeneration

/** What a counted call leads to. */
interface Decision {
  readonly reason: string
  readonly at: number
  /** How long the circuit is to stay open. */
  readonly length: number
}

const NO_PREDICATES: readonly Predicate[] = []
const DEFAULT_OPEN_TIME = 60_000

/**
 * The state machine of one breaker. Every transition begins a new generation, and a call belongs to the one that
 * admitted it: its result changes nothing in a later one.
 *
 * Whatever user code is to be asked (classifiers, the clock, the open time) is asked first; then the generation is
 * checked and the change made; the listeners hear of it last.
 */
export class Circuit implements Reporter {
  readonly breaker: CircuitBreaker
  readonly listeners: Listeners
  options: ResolvedOptions
  generation: Generation
  /** The generation, if it is closed and its calls need no state of their own. */
  plain: ClosedGeneration | undefined
  /** What opened the circuit, until it closes. */
  tripReason: string | null = null
  /** When the state began, by the wall clock. */
  since: number | null = null
  lastFailure: CircuitBreakerSnapshot['lastFailure'] = null
  rejected = 0
  late = 0
  ignored = 0
  /** Calls that still run though their generation is over, or their lease. */
  overdue = 0
  /** Asked to look again whenever a call might be admitted that was not before. */
  waiting: Set<() => void> | undefined
  readonly time: MonotonicTime
  #excluded = NO_PREDICATES
  #measured = false
  #ownProbeTimeout: boolean
  #attempt = 0
  #closedAt: number | undefined
  #cause: unknown
  #quietUntil: Map<string, number> | undefined
  #warned = false

  constructor(breaker: CircuitBreaker, given: CircuitBreakerOptions) {
    this.breaker = breaker
    this.options = resolveOptions(given)
    this.#ownProbeTimeout = given.probeTimeout !== undefined
    this.listeners = new Listeners(this)
    this.time = new MonotonicTime(this.options.clock, this)
    for (const listener of given.listeners ?? []) this.listeners.add(listener)
    this.generation = this.#restore(given.restore)
    this.refresh()
  }

  /** Works out what the options, the listeners and the generation ask of each call. */
  refresh(): void {
    const { options, listeners, generation } = this
    this.#excluded = options.exclude.length ? options.exclude.map(toPredicate) : NO_PREDICATES
    this.#measured = options.trip.slowerThan < Infinity || listeners.hearOutcomes
    this.plain = undefined
    if (generation.state !== 'closed') return
    generation.classified = options.classifyResult !== undefined
    const tracked =
      this.#measured || options.errorOnTrip || options.callTimeout < Infinity || listeners.hears('beforeCall')
    if (!tracked && options.mode !== 'off') this.plain = generation
  }

  // Calls

  /** Takes a place for one call, or says why there is none. */
  admit(args: readonly unknown[]): CallPermit | CircuitBreakerError {
    const { listeners, breaker } = this
    if (this.options.mode === 'off') return new CallPermit(this, undefined, NaN)
    const now = this.#measured || this.generation.state !== 'closed' ? this.time.now() : NaN
    this.#expireProbes(now)
    if (this.generation.state === 'open' && this.generation.remaining(now) <= 0) {
      this.#enterHalfOpen()
    }
    const { generation } = this
    let admitted: CallPermit | CircuitBreakerError
    if (generation.state === 'closed' || (generation.state === 'half-open' && generation.free)) {
      admitted = new CallPermit(this, generation, now)
      generation.enter(admitted, now)
      if (listeners.hears('beforeCall')) listeners.post('beforeCall', { breaker, args })
    } else {
      this.rejected++
      admitted = this.#rejection(generation.state, this.retryAfter(now), this.#cause)
      if (listeners.hears('rejected')) listeners.post('rejected', { breaker, error: admitted })
    }
    listeners.deliver()
    return admitted
  }

  /**
   * Takes the result of a call that `generation` admitted (none in mode off), and returns whether it was applied.
   * `told`: the outcome, where that needs no classifying.
   */
  settle(
    generation: Admitting | undefined,
    permit: CallPermit | undefined,
    threw: boolean,
    payload: unknown,
    told?: Outcome,
  ): boolean {
    const outcome = told ?? this.#classify(threw, payload)
    if (permit) permit.outcome = outcome
    if (generation === undefined) return true
    const failure = threw && outcome === 'failure' ? describeFailure(payload) : null
    const start = permit ? permit.start : NaN
    const timed = generation === this.generation && generation.timed
    const now = timed || start === start ? this.time.now() : NaN
    this.#expireProbes(now)

    const inTime = generation === this.generation && generation.leave(permit as Probe)
    if (!inTime) this.overdue--
    let decision: Decision | undefined
    if (inTime && outcome !== 'ignored') {
      const duration = permit?.paced ? NaN : now - start
      const reason = generation.record(outcome === 'failure', duration, now, this.options.trip.slowerThan)
      if (reason !== undefined) decision = this.#decide(reason, threw, payload, now)
    }

    const applied = inTime && generation === this.generation
    if (!applied) this.late++
    else if (outcome === 'ignored') this.ignored++
    else if (failure) this.lastFailure = failure
    const event = applied ? outcome : 'late'
    if (this.listeners.hears(event)) {
      const { breaker } = this
      const duration = start === start ? now - start : undefined
      this.listeners.post(event, { breaker, duration, ...(threw ? { error: payload } : { value: payload }) })
    }
    if (applied && decision) this.#follow(decision, threw, payload, permit)
    else if (applied) this.#wake()
    this.listeners.deliver()
    return applied
  }

  /** A sign of life from a call that lasts: if it is a probe, its lease begins anew. */
  renew(generation: Admitting | undefined, permit: CallPermit): void {
    if (generation !== this.generation || generation?.state !== 'half-open') return
    const now = this.time.now()
    this.#expireProbes(now)
    if (generation === this.generation) generation.renew(permit, now)
    this.listeners.deliver()
  }

  #classify(threw: boolean, payload: unknown): Outcome {
    if (threw && CircuitBreakerError.isFrom(payload, this)) return 'ignored'
    const { classifyError, classifyResult } = this.options
    try {
      return classify({ excluded: this.#excluded, classifyError, classifyResult }, threw, payload)
    } catch (error) {
      this.report(error)
      return 'ignored'
    }
  }

  #rejection(reason: CircuitBreakerError['reason'], retryAfter: number, cause: unknown): CircuitBreakerError {
    const { name } = this.options
    const because = this.tripReason ?? 'manual'
    return CircuitBreakerError.reject({ breaker: name, reason, because, retryAfter, cause, owner: this })
  }

  // Decisions

  #decide(reason: string, threw: boolean, payload: unknown, now: number): Decision | undefined {
    const at = now === now ? now : this.time.now()
    if (reason === 'probeSucceeded') return { reason, at, length: 0 }
    if (this.options.mode === 'observe' && at < (this.#quietUntil?.get(reason) ?? -Infinity)) return undefined
    return { reason, at, length: this.#openTime(reason, this.attempt(at) + 1, threw, payload) }
  }

  #follow(decision: Decision, threw: boolean, payload: unknown, permit: CallPermit | undefined): void {
    const { reason, at, length } = decision
    if (reason === 'probeSucceeded') {
      this.#closedAt = at
      this.#enterClosed(reason, this.options.attemptDecay > 0 ? this.#attempt : 0)
    } else if (this.options.mode === 'observe') {
      ;(this.#quietUntil ??= new Map()).set(reason, at + length)
      this.listeners.post('wouldTrip', { breaker: this.breaker, reason })
    } else {
      this.#enterOpen(decision, this.attempt(at) + 1, threw ? payload : undefined)
      if (permit && threw && this.options.errorOnTrip) {
        permit.tripError = this.#rejection('open', Math.ceil(length), payload)
      }
    }
  }

  /** Asks the user's function, whose bad answers never wedge the circuit. */
  #openTime(reason: string, attempt: number, threw: boolean, payload: unknown): number {
    const { timeoutDuration, random } = this.options
    if (typeof timeoutDuration === 'number') return timeoutDuration
    try {
      const length = timeoutDuration({ attempt, reason, random, [threw ? 'error' : 'result']: payload })
      handleRejection(length)
      openTime(length, 'timeoutDuration()')
      return length
    } catch (error) {
      this.report(error)
      return DEFAULT_OPEN_TIME
    }
  }

  /** A probe whose lease has ended counts as failed at its own deadline, however late that is noticed. */
  #expireProbes(now: number): void {
    let { generation } = this
    while (generation.state === 'half-open') {
      const probe = generation.expired(now)
      if (!probe) return
      generation.leave(probe)
      this.overdue++
      if (generation.record(true, NaN, now, Infinity) !== undefined) {
        const reason = 'probeTimeout'
        const length = this.#openTime(reason, this.#attempt + 1, true, undefined)
        const decision = { reason, length, at: probe.deadline }
        if (generation === this.generation) this.#enterOpen(decision, this.#attempt + 1, undefined, now)
      }
      generation = this.generation
    }
  }

  // Reads: they change nothing, but for a lease that has ended

  /** What the next call would meet. */
  state(now: number = this.read()): CircuitBreakerState {
    const { generation } = this
    return generation.state === 'open' && generation.remaining(now) <= 0 ? 'half-open' : generation.state
  }

  /** The time, where an answer depends on it. */
  read(needed: boolean = this.generation.state !== 'closed'): number {
    if (!needed) return NaN
    const now = this.time.now()
    this.#expireProbes(now)
    return now
  }

  /** Whole milliseconds until a call may be admitted. */
  retryAfter(now: number = this.read()): number {
    const { generation } = this
    if (generation.state === 'closed') return 0
    if (generation.state === 'isolated') return Infinity
    if (generation.state !== 'half-open') return Math.max(0, Math.ceil(generation.remaining(now)))
    return generation.free ? 0 : Math.ceil(generation.firstDeadline - now)
  }

  /** How far the escalation has come; while closed, what has not been forgotten yet. */
  attempt(now: number): number {
    if (this.generation.state !== 'closed' || this.#attempt === 0) return this.#attempt
    const { attemptDecay } = this.options
    this.#closedAt ??= now
    return attemptDecay > 0
      ? Math.max(0, this.#attempt - Math.floor((now - this.#closedAt) / attemptDecay))
      : 0
  }

  // Control

  /** Opens for `length` ms; `undefined`: for as long as a trip would. */
  open(length: number | undefined, because: string | undefined): boolean {
    if (this.options.mode !== 'enforce') return false
    const now = this.time.now()
    this.#expireProbes(now)
    if (this.generation.state === 'open' && this.generation.remaining(now) <= 0) this.#enterHalfOpen()
    const attempt = this.generation.state === 'closed' ? this.attempt(now) + 1 : Math.max(1, this.#attempt)
    const reason = because ?? 'manual'
    length ??= this.#openTime(reason, attempt, true, undefined)
    const { generation } = this
    const changed = generation.state !== 'open'
    if (changed) this.#enterOpen({ reason, length, at: now }, attempt, undefined)
    else {
      generation.start(length, Date.now(), now)
      this.tripReason = because ?? this.tripReason
    }
    this.listeners.deliver()
    return changed
  }

  isolate(because: string | undefined): boolean {
    if (this.options.mode !== 'enforce') return false
    this.read()
    const changed = this.generation.state !== 'isolated'
    if (changed || because !== undefined) this.tripReason = because ?? 'manual'
    if (changed) {
      this.#cause = undefined
      this.#enter(this.#newOpen('isolated').start(Infinity, Date.now(), 0), this.tripReason!)
    }
    this.listeners.deliver()
    return changed
  }

  halfOpen(because: string | undefined): boolean {
    if (this.options.mode !== 'enforce') return false
    this.read()
    const changed = this.generation.state !== 'half-open'
    if (changed) this.#enterHalfOpen(because ?? 'manual')
    this.listeners.deliver()
    return changed
  }

  close(because: string | undefined): boolean {
    if (this.options.mode !== 'enforce') return false
    this.read()
    const { generation } = this
    const changed = generation.state !== 'closed'
    if (changed) this.#enterClosed(because ?? 'manual', 0)
    else {
      this.#attempt = 0
      generation.clear()
    }
    this.listeners.deliver()
    return changed
  }

  configure(patch: CircuitBreakerPatch): void {
    const { options } = this
    const { failMax, trip, probeTimeout, mode } = patch
    const { mode: modeBefore, trip: ruleBefore } = options
    this.options = resolveOptions({
      ...options,
      trip: failMax === undefined && options.failMax === undefined ? options.trip : undefined,
      failMax: trip === undefined ? options.failMax : undefined,
      probeTimeout: this.#ownProbeTimeout ? options.probeTimeout : undefined,
      ...patch,
    })
    this.#ownProbeTimeout ||= probeTimeout !== undefined
    const { generation } = this
    if (mode !== undefined && mode !== modeBefore) this.#enterClosed('manual', 0)
    else if (this.options.trip !== ruleBefore && generation.state === 'closed') {
      generation.judgeBy(beginRule(this.options.trip, generation.judge.windows))
    }
    this.refresh()
    this.listeners.deliver()
  }

  /** Hears what user code throws where that must not reach a call. */
  report(error: unknown): void {
    const { name, onListenerError } = this.options
    if (handOver(onListenerError, error) || this.#warned) return
    this.#warned = true
    warn(`${name}: ${renderError(error)} (further errors are not shown; onListenerError hears of all)`)
  }

  // Transitions

  #restore(snapshot: CircuitBreakerSnapshot | undefined): Generation {
    const { mode, trip } = this.options
    const state = mode === 'enforce' && snapshot ? snapshot.state : 'closed'
    if (snapshot && mode === 'enforce') {
      this.#attempt = snapshot.attempt
      this.tripReason = snapshot.tripReason
    }
    if (state === 'closed') {
      return new ClosedGeneration(this, beginRule(trip), mode === 'enforce' ? snapshot?.failCounter : 0)
    }
    if (state === 'half-open') return new HalfOpenGeneration(this.options)
    return this.#newOpen(state).start(snapshot!.retryAfter ?? Infinity, snapshot!.takenAt)
  }

  /** The one place where the state changes. */
  #enter(next: Generation, reason: string, wallTime: number = Date.now()): void {
    const { state: from, inFlight } = this.generation
    const { state: to } = next
    this.overdue += inFlight
    this.generation = next
    this.since = wallTime
    this.refresh()
    if (from !== to && this.listeners.hears('stateChange')) {
      this.listeners.post('stateChange', { breaker: this.breaker, from, to, reason, at: wallTime })
    }
    this.#wake()
  }

  #enterOpen({ reason, length, at }: Decision, attempt: number, cause: unknown, now: number = at): void {
    const wallTime = Math.ceil(Date.now() - (now - at))
    this.#attempt = attempt
    this.tripReason = reason
    this.#cause = cause
    this.#enter(this.#newOpen('open').start(length, wallTime, at), reason, wallTime)
  }

  #enterClosed(reason: string, attempt: number): void {
    this.#attempt = attempt
    this.tripReason = null
    this.#cause = undefined
    this.#quietUntil = undefined
    this.#enter(new ClosedGeneration(this, beginRule(this.options.trip)), reason)
  }

  #enterHalfOpen(reason = 'timeoutElapsed'): void {
    this.#enter(new HalfOpenGeneration(this.options), reason)
  }

  #newOpen(state: 'open' | 'isolated'): OpenGeneration {
    return new OpenGeneration(state, this.options.clock === systemClock)
  }

  /** Lets those who wait for a place look again, once this operation is over. */
  #wake(): void {
    if (this.waiting) for (const look of this.waiting) queueMicrotask(look)
  }
}
