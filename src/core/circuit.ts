import { classify, toPredicate, type Predicate } from '../base/outcome.ts'
import { MonotonicTime } from '../base/clock.ts'
import { CircuitBreakerError, type RejectionReason } from '../base/errors.ts'
import { handOver, renderError, warn, type Reporter } from '../base/reporter.ts'
import type { CircuitBreakerState, Outcome } from '../base/state.ts'
import { Listeners, type AnyListener } from '../events/listeners.ts'
import { beginRule } from '../trip/rule.ts'
import { TimedCalls } from './direct.ts'
import { Escalation } from './escalation.ts'
import type { ClosedGeneration } from './generation/closed.ts'
import type { DirectCalls } from './generation/direct-calls.ts'
import type { Admitting, Generation } from './generation/generation.ts'
import type { Probe } from './generation/probe.ts'
import { lengthOf, type Failure, type Opening } from './opening.ts'
import type { CircuitOptions } from './options.ts'
import { CallPermit } from './permit.ts'
import type { CallEnd, FleetMember, Recorder } from './ports.ts'
import { describeFailure, type CircuitBreakerSnapshot, type RestorableState } from './snapshot.ts'
import { begin, endOpening, enterClosed, enterOpen } from './transitions.ts'

const NO_PREDICATES: readonly Predicate[] = []
const NO_RECORDERS: readonly Recorder[] = []

/** What a circuit begins with, beside its options. */
interface Beginning<O extends CircuitOptions> {
  readonly listeners?: readonly AnyListener[] | undefined
  readonly restore?: RestorableState | undefined
  /** Makes it a member of its fleet. */
  readonly storage?: { join(circuit: Circuit<O>): FleetMember } | undefined
}

/**
 * The state machine of one breaker. Every transition begins a new generation, and a call belongs to the one that
 * admitted it: its result changes nothing in a later one.
 *
 * Whatever user code is to be asked (classifiers, the clock, the open time) is asked first; then the generation is
 * checked and the change made; the listeners hear of it last.
 */
export class Circuit<O extends CircuitOptions = CircuitOptions> implements Reporter {
  /** Whose circuit it is, for those who hear of it. */
  readonly breaker: object
  readonly listeners: Listeners
  readonly time: MonotonicTime
  options: O
  generation: Generation
  /** Whether there are functions that it guards. */
  guards = false
  /** What admits calls that need no permit, where that is enough. */
  direct: DirectCalls | undefined
  recorders: readonly Recorder[] = NO_RECORDERS
  /** Its part in a fleet, where there is a storage. */
  readonly member: FleetMember | undefined
  /** What opened the circuit, until it closes. */
  tripReason: string | null = null
  /** The failure that did. */
  cause: unknown
  /** From the first opening until it is forgotten. */
  escalation: Escalation | undefined
  /** When the state began, by the wall clock. */
  since: number | null = null
  lastFailure: CircuitBreakerSnapshot['lastFailure'] = null
  rejected = 0
  late = 0
  ignored = 0
  /** Calls that still run though their generation is over, or their lease. */
  overdue = 0
  /** Asked to look again when a call might be admitted that was not before. */
  waiting: Set<() => void> | undefined
  #excluded = NO_PREDICATES
  #measured = false
  #planning: Generation | undefined
  #quietUntil: Map<string, number> | undefined
  #warned = false

  constructor(breaker: object, options: O, { listeners, restore, storage }: Beginning<O>) {
    this.breaker = breaker
    this.options = options
    this.listeners = new Listeners(this)
    this.time = new MonotonicTime(options.clock, this)
    for (const listener of listeners ?? []) this.listeners.add(listener)
    this.member = storage?.join(this)
    this.generation = begin(this, restore)
    this.refresh()
  }

  /** Works out what the options, the listeners and the generation ask of each call. */
  refresh(): void {
    const { options, listeners, generation } = this
    this.#excluded = options.exclude.length ? options.exclude.map(toPredicate) : NO_PREDICATES
    this.#measured = options.trip.slowerThan < Infinity || listeners.hearOutcomes || this.recorders.length > 0
    this.direct = undefined
    if (generation.state === 'half-open') generation.slowerThan = options.trip.slowerThan
    if (generation.state !== 'closed') return
    generation.countsOnly =
      options.classifyResult === undefined &&
      !listeners.hears('success') &&
      options.trip.slowerThan === Infinity
    const tracked = options.errorOnTrip || options.callTimeout < Infinity || listeners.hears('beforeCall')
    if (tracked || options.mode === 'off' || this.member?.needsAdmission) return
    this.direct = this.#measured ? new TimedCalls(this, generation) : generation
  }

  /** Changes options; what `change` throws is thrown before anything is changed. */
  configure(change: (before: O) => O): void {
    this.read()
    const { options: before, generation } = this
    const after = change(before)
    this.options = after
    if (after.mode !== before.mode) enterClosed(this, 'manual')
    else if (after.trip !== before.trip && generation.state === 'closed') {
      generation.judgeBy(beginRule(after.trip, generation.windows))
    }
    this.member?.reconfigure(after.mode !== before.mode)
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

  /** Begins to tell `recorder` of every end of a call. Returns what ends it. */
  attach(recorder: Recorder): () => void {
    this.recorders = [...this.recorders, recorder]
    this.refresh()
    return () => {
      this.recorders = this.recorders.filter((each) => each !== recorder)
      this.refresh()
    }
  }

  // Reads: they change nothing, but for a lease that has ended.

  /** The time, where an answer depends on it. */
  read(needed: boolean = this.generation.state !== 'closed'): number {
    if (!needed) return NaN
    const now = this.time.now()
    this.#expireProbes(now)
    return now
  }

  /** What the next call would meet. */
  state(now: number = this.read()): CircuitBreakerState {
    const { generation } = this
    return generation.state === 'open' && generation.remaining(now, Date.now()) <= 0
      ? 'half-open'
      : generation.state
  }

  /** Whole milliseconds until a call may be admitted. */
  retryAfter(now: number = this.read(), wallNow: number = Date.now()): number {
    const { generation } = this
    if (generation.state === 'closed') return 0
    if (generation.state !== 'half-open') return Math.max(0, Math.ceil(generation.remaining(now, wallNow)))
    return generation.free ? 0 : Math.max(0, Math.ceil(generation.firstDeadline - now))
  }

  /** How far the escalation has come; while closed, what of it has not been forgotten yet. */
  attempt(now: number): number {
    return this.escalation?.read(this.generation.state === 'closed', now, this.options.attemptDecay) ?? 0
  }

  // Calls

  /** Takes a place for one call, or says why there is none. */
  admit(args: readonly unknown[]): CallPermit | CircuitBreakerError {
    const { listeners, breaker } = this
    const { mode } = this.options
    this.member?.use()
    const now = this.read(mode !== 'off' && (this.#measured || this.generation.state !== 'closed'))
    const wallNow = this.generation.state === 'closed' ? NaN : Date.now()
    endOpening(this, now, wallNow)
    if (this.options.mode === 'off') return new CallPermit(this, undefined, NaN)
    const { generation } = this
    let admitted: CallPermit | CircuitBreakerError
    if (generation.state === 'closed' || (generation.state === 'half-open' && generation.free)) {
      admitted = new CallPermit(this, generation, now)
      generation.enter(admitted, now)
      this.member?.attachLease(admitted)
      if (listeners.hears('beforeCall')) listeners.post('beforeCall', { breaker, args: [...args] })
    } else {
      this.rejected++
      if (generation.scope === 'fleet' && generation.state === 'half-open') this.member?.wantPlace()
      admitted = this.#rejection(generation.state, this.retryAfter(now, wallNow), wallNow, this.cause)
      this.#record('rejected', NaN, now)
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
    if (generation === undefined) {
      this.read()
      this.listeners.deliver()
      return true
    }
    const failed = outcome === 'failure'
    const failure = threw ? { error: payload } : { result: payload }
    const described = failed && threw ? describeFailure(payload) : undefined
    const start = permit ? permit.start : NaN
    const now = this.read(start === start || generation.timed || this.generation.state !== 'closed')

    const inTime = generation === this.generation && generation.leave(permit as Probe)
    if (!inTime) this.overdue--
    let verdict: string | undefined
    let opening: Opening | undefined
    if (inTime && outcome !== 'ignored') {
      const duration = permit?.paced ? NaN : now - start
      verdict = generation.record(failed, duration, now)
      if (verdict && verdict !== 'probeSucceeded') opening = this.#plan(verdict, now, failure)
    }

    const applied = inTime && generation === this.generation
    if (!applied) this.late++
    else if (outcome === 'ignored') this.ignored++
    else if (described) this.lastFailure = described
    const event = applied ? outcome : 'late'
    // What began unwatched is not recorded: plain successes are not even heard of.
    if (start === start) this.#record(event, permit?.paced ? NaN : now - start, now)
    if (this.listeners.hears(event)) {
      const duration = start === start ? now - start : undefined
      const what = threw ? { error: payload } : { value: payload }
      this.listeners.post(event, { breaker: this.breaker, duration, ...what })
    }
    if (applied && this.member) this.member.settled(generation, permit, outcome, opening, failure, now)
    // Of its own probes the fleet decides.
    const decides = applied && generation.scope === 'local'
    if (decides && opening) this.#trip(opening, permit, failure)
    else if (decides && verdict === 'probeSucceeded') enterClosed(this, verdict, now)
    else this.wake()
    this.listeners.deliver()
    return applied
  }

  /** Takes the error of a call that needs nothing but its time. */
  fail(generation: ClosedGeneration, start: number, error: unknown, told?: Outcome): void {
    this.settle(generation, new CallPermit(this, generation, start), true, error, told)
  }

  /** Takes its result. */
  succeed(generation: ClosedGeneration, start: number, value: unknown): void {
    if (generation === this.generation && generation.countsOnly) {
      const now = this.time.now()
      if (generation === this.generation) {
        generation.succeed(now)
        this.#record('success', now - start, now)
        return
      }
    }
    this.settle(generation, new CallPermit(this, generation, start), false, value)
  }

  #record(end: CallEnd, duration: number, now: number): void {
    const { recorders } = this
    for (let i = 0; i < recorders.length; i++) recorders[i]!.record(end, duration, now)
  }

  /** A sign of life from a call that lasts: if it is a probe, its lease begins anew. */
  renew(generation: Admitting | undefined, permit: CallPermit): void {
    if (generation !== this.generation || generation?.state !== 'half-open') return
    const now = this.read()
    generation.renew(permit, now)
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

  #rejection(reason: RejectionReason, retryAfter: number, at: number, cause: unknown): CircuitBreakerError {
    const because = this.tripReason ?? undefined
    const { name: breaker } = this.options
    const { scope } = this.generation
    return CircuitBreakerError.reject({ breaker, reason, because, retryAfter, at, cause, scope, owner: this })
  }

  // Decisions

  /** Works out what it means that a rule is met. Asks user code. */
  #plan(reason: string, now: number, failure: Failure): Opening | undefined {
    const { generation } = this
    if (generation === this.#planning) return undefined // user code that is asked about an opening causes none
    const at = now === now ? now : this.time.now()
    if (this.options.mode === 'observe' && at < (this.#quietUntil?.get(reason) ?? -Infinity)) return undefined
    const attempt = this.attempt(at) + 1
    this.#planning = generation
    const length = this.openTime(reason, attempt, failure)
    this.#planning = undefined
    return { reason, at, attempt, length }
  }

  openTime(reason: string, attempt: number, failure?: Failure): number {
    return lengthOf(this.options, reason, attempt, failure, this)
  }

  /** Opens, or says that it would; the call that did it may have to tell its caller. */
  #trip(opening: Opening, permit: CallPermit | undefined, failure: Failure): void {
    const { reason, at, length } = opening
    const { error } = failure
    if (this.options.mode === 'observe') {
      ;(this.#quietUntil ??= new Map()).set(reason, at + length)
      if (this.listeners.hears('wouldTrip'))
        this.listeners.post('wouldTrip', { breaker: this.breaker, reason })
      return
    }
    enterOpen(this, opening, error)
    this.member?.tripped(opening, error)
    if (permit && 'error' in failure && this.options.errorOnTrip) {
      permit.tripError = this.#rejection('open', Math.ceil(length), Date.now(), error)
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
      // What becomes of a fleet whose probe has ended so is up to the record, which knows of it.
      if (generation.record(true, NaN) && generation.scope === 'local') {
        const opening = this.#plan('probeTimeout', probe.deadline, {})
        if (opening && generation === this.generation) {
          enterOpen(this, opening, undefined, now)
          this.member?.tripped(opening, undefined)
        }
      }
      generation = this.generation
    }
  }

  // Transitions

  /** The one place where the state changes; `transitions.ts` says how. */
  enter(next: Generation, reason: string, at: number = Date.now()): void {
    const { state: from, inFlight } = this.generation
    const { state: to } = next
    this.overdue += inFlight
    this.member?.leave(this.generation, next)
    this.generation = next
    this.since = at
    this.refresh()
    if (from !== to && this.listeners.hears('stateChange')) {
      this.listeners.post('stateChange', { breaker: this.breaker, from, to, reason, at, scope: next.scope })
    }
    this.wake()
  }

  /** How far the escalation is from now on. */
  escalate(attempt: number): void {
    this.escalation ??= new Escalation()
    this.escalation.set(attempt)
  }

  /** Forgets why it opened. */
  forget(): void {
    this.tripReason = null
    this.cause = undefined
    this.#quietUntil = undefined
  }

  /** Lets those who wait for a place look again, once this operation is over. */
  wake(): void {
    if (this.waiting) for (const look of this.waiting) queueMicrotask(look)
  }
}
