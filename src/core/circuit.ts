import { MonotonicTime } from '../base/clock.ts'
import { CircuitBreakerError, type RejectionReason } from '../base/errors.ts'
import { MANUAL, type Outcome } from '../base/state.ts'
import { escapeText } from '../base/validate.ts'
import { Listeners, OUTCOMES, type AnyListener } from '../events/listeners.ts'
import { MethodCall, TimedCalls } from './fast-path.ts'
import type { ClosedGeneration, FastPath, Handlers } from './generation/closed.ts'
import type { Admitting, Generation } from './generation/generation.ts'
import { Machine, type Transition } from './machine.ts'
import { describeFailure, toCause, type Failure, type Opening } from './opening.ts'
import type { CircuitOptions } from './options.ts'
import { CallPermit } from './permit.ts'
import type { CallEnd, FleetMember, CallStatistics } from './ports.ts'
import { enclosingProbe, leaveProbe } from './probe-scope.ts'
import type { GuardedRequest, Whole } from './request.ts'
import { VERSION, type CircuitBreakerSnapshot, type RestorableState } from './snapshot.ts'
import { toClosed, toHalfOpen, toOpen, toStart } from './transitions.ts'
import { UserCode } from './user-code.ts'

const NO_STATISTICS: readonly CallStatistics[] = []
const NO_ERROR = Symbol('none')

/** Called after each manual change of a circuit: a registry then pins or unpins its breaker. */
export const pins: WeakMap<object, () => void> = new WeakMap()

/** The options with which a circuit began, by those that it was configured with since. */
const initialOptions = new WeakMap<CircuitOptions, CircuitOptions>()

/** What a circuit is created with, besides its options. */
interface InitialState<O extends CircuitOptions> {
  readonly listeners?: readonly AnyListener[] | undefined
  readonly restore?: RestorableState | undefined
  /** Makes the circuit a member of its fleet. */
  readonly storage?: { join(circuit: Circuit<O>): FleetMember } | undefined
}

/**
 * The circuit of one breaker: admits calls, settles them, and changes state. Every transition starts a new generation.
 * A call belongs to the generation that admitted it, and its result changes nothing in a later one.
 *
 * User code whose answer is needed (classifiers, the clock, the open time) runs first. Then the generation is checked
 * again and the change is made. Listeners run last.
 */
export class Circuit<O extends CircuitOptions = CircuitOptions> extends Machine {
  /** The breaker, for events. */
  declare readonly breaker: object
  /** The user's functions. */
  declare readonly userCode: UserCode
  declare readonly listeners: Listeners
  declare readonly time: MonotonicTime
  /** Its membership in a fleet, if it has a storage. */
  declare readonly member: FleetMember | undefined
  #options: O
  // The request whose synchronous part is running takes its place.
  #fastPath: FastPath | GuardedRequest | undefined
  /** Whether any function is guarded by this circuit. */
  guards = false
  #statistics = NO_STATISTICS
  // Whether every call must be timed.
  #measured = false
  // Described when it is shown.
  #lastError: unknown = NO_ERROR
  #rejected = 0
  #late = 0
  #ignored = 0
  // Calls in flight whose generation has ended or whose lease has expired.
  #overdue = 0
  // The generation for whose opening the user's `timeoutDuration` is running.
  #planning: Generation | undefined
  // In mode observe, the time until which a trip reason is not reported again. Only then does a circuit have it.
  declare private quietUntil: Map<string, number> | undefined

  constructor(breaker: object, options: O, { listeners, restore, storage }: InitialState<O>) {
    super()
    this.breaker = breaker
    this.#options = options
    this.userCode = new UserCode(this)
    this.listeners = new Listeners(this.userCode)
    this.time = new MonotonicTime(options.clock, this.userCode)
    for (const listener of listeners ?? []) this.listeners.add(listener)
    super.enter(toStart(this, restore))
    this.member = storage?.join(this)
    this.prepare()
  }

  get options(): O {
    return this.#options
  }

  /** The fast path, if calls need no permit at present. Inside of a request, it admits nothing. */
  get fastPath(): FastPath | undefined {
    return this.#fastPath
  }

  /** Whether calls made now need no permit. */
  get isPlain(): boolean {
    return this.#fastPath !== undefined && !this.#request
  }

  /** The number of calls in flight, including late ones. */
  get inFlight(): number {
    return this.generation.inFlight + this.#overdue
  }

  // Settings

  /** Prepares for the next calls: determines what the options, the listeners and the generation require of each. */
  prepare(): void {
    const { options, listeners, generation } = this
    this.#measured =
      options.trip.slowerThan < Infinity ||
      OUTCOMES.some((hook) => listeners.has(hook)) ||
      this.#statistics.length > 0
    const request = this.#request
    if (request) request.hasChanged = true
    else this.#fastPath = undefined
    if (generation.state !== 'closed') return
    generation.countsOnly =
      options.classifyResult === undefined &&
      !listeners.has('success') &&
      options.trip.slowerThan === Infinity
    const tracked = options.errorOnTrip || options.callTimeout < Infinity || listeners.has('beforeCall')
    if (request || tracked || options.mode === 'off' || this.member?.needsAdmission) return
    this.#fastPath = this.#measured ? new TimedCalls(this, generation) : generation
  }

  /** Changes options. If `change` throws or returns them as they are, nothing changes. */
  configure(change: (before: O) => O): void {
    this.readIfNeeded()
    const { options: before, generation } = this
    const after = change(before)
    if (after !== before) {
      this.#options = after
      initialOptions.set(after, initialOptions.get(before) ?? before)
      this.userCode.configure()
      if (after.mode !== before.mode) this.enter(toClosed(this, MANUAL))
      else if (after.trip !== before.trip && generation.state === 'closed') {
        generation.setRule(after.trip, this)
      }
      this.member?.reconfigure(after.mode !== before.mode)
      this.prepare()
    }
    pins.get(this)?.()
    this.listeners.deliver()
  }

  /** Attaches statistics. Returns a function that detaches them. */
  attach(statistics: CallStatistics): () => void {
    this.#statistics = [...this.#statistics, statistics]
    this.prepare()
    return () => {
      this.#statistics = this.#statistics.filter((each) => each !== statistics)
      this.prepare()
    }
  }

  // Reads. They change nothing, except that they notice expired leases.

  /** Returns the time, after expiring the leases that end by then. */
  read(): number {
    const now = this.time.now()
    this.#expireProbes(now)
    return now
  }

  snapshot(): CircuitBreakerSnapshot {
    // First, since getters of the error may do anything.
    const lastFailure = this.#lastError === NO_ERROR ? null : Object.freeze(describeFailure(this.#lastError))
    const now = this.read()
    const { generation, options, member } = this
    const windows = generation.state === 'closed' ? generation.windows : []
    for (const window of windows) window.expire(now)
    const { calls, failures, slow } = windows[0] ?? generation
    const rate = (count: number): number | null =>
      calls >= (windows[0]?.minCalls ?? 1) ? count / calls : null
    const wait = this.retryAfter(now)
    return Object.freeze({
      version: VERSION,
      name: options.name,
      mode: options.mode,
      state: this.state(now),
      scope: generation.scope,
      since: this.since,
      retryAfter: wait < Infinity ? wait : null,
      attempt: this.attempt(now),
      tripReason: this.tripReason,
      failCounter: generation.consecutive,
      counts: Object.freeze({ calls, successes: calls - failures, failures, slow }),
      failureRate: rate(failures),
      slowCallRate: rate(slow),
      inFlight: this.inFlight,
      rejected: this.#rejected,
      late: this.#late,
      ignored: this.#ignored,
      lastFailure,
      takenAt: Date.now(),
      ...(member && { fleet: member.snapshot() }),
    })
  }

  /** Returns one readable line, such as `CircuitBreaker payments: open (failureRate), retry in 4.2 s`. */
  override toString(): string {
    const now = this.readIfNeeded()
    const wait = this.retryAfter(now)
    const reason = this.tripReason === null ? '' : ` (${this.tripReason})`
    const retry = wait > 0 && wait < Infinity ? `, retry in ${wait / 1_000} s` : ''
    return escapeText(`CircuitBreaker ${this.options.name}: ${this.state(now)}${reason}${retry}`)
  }

  // Calls

  /** Admits one call, or returns the error that rejects it. */
  admit(args: readonly unknown[]): CallPermit | CircuitBreakerError {
    const { listeners, breaker } = this
    const { mode } = this.options
    this.member?.use()
    const timed = mode !== 'off' && (this.#measured || this.generation.state !== 'closed')
    const now = timed ? this.read() : undefined
    const wallNow = this.generation.state === 'closed' ? undefined : Date.now()
    if (now !== undefined) this.endOpening(now, wallNow)
    if (this.options.mode === 'off') return new CallPermit(this)
    const { generation } = this
    const probe = generation.state === 'half-open' && this.probe()
    if (probe) return new CallPermit(this, generation, undefined, probe)
    let admitted: CallPermit | CircuitBreakerError
    if (generation.state === 'closed' || (generation.state === 'half-open' && generation.free)) {
      const whole = generation.state === 'closed' ? this.#request?.absorb() : undefined
      admitted = new CallPermit(this, generation, now, whole)
      if (generation.state === 'closed') generation.admit()
      else generation.admit(admitted, now ?? this.time.now())
      const leased = whole ?? admitted
      if (!leased.lease) this.member?.attachLease(leased)
      if (!whole && listeners.has('beforeCall')) listeners.post('beforeCall', { breaker, args: [...args] })
    } else {
      this.#rejected++
      this.member?.rejected()
      admitted = this.#rejection(generation.state, this.retryAfter(now, wallNow), this.cause, wallNow)
      this.measure('rejected', undefined, now)
      if (listeners.has('rejected')) listeners.post('rejected', { breaker, error: admitted })
    }
    listeners.deliver()
    return admitted
  }

  /**
   * Settles a call and returns whether its result was applied.
   *
   * @param generation the generation that admitted the call; `undefined` in mode off
   * @param outcome given if the result needs no classification
   */
  settle(
    generation: Admitting | undefined,
    permit: CallPermit | undefined,
    threw: boolean,
    payload: unknown,
    outcome: Outcome = this.userCode.classify(threw, payload),
  ): boolean {
    if (permit) {
      permit.outcome = outcome
      if (permit.deadline !== undefined) leaveProbe(permit)
    }
    if (generation === undefined) {
      this.readIfNeeded()
      this.listeners.deliver()
      return true
    }
    const failed = outcome === 'failure'
    const failure = threw ? { error: payload } : { result: payload }
    const start = permit?.start
    const timed = start !== undefined || generation.timed || this.generation.state !== 'closed'
    const now = timed ? this.read() : undefined
    const elapsed = permit?.duration ?? (start === undefined || now === undefined ? undefined : now - start)
    const duration = permit?.paced ? undefined : elapsed
    const slow = duration !== undefined && duration > this.options.trip.slowerThan

    const inTime = generation === this.generation && generation.end(permit)
    if (!inTime) this.#overdue--
    let verdict: string | undefined
    let opening: Opening | undefined
    if (inTime && outcome !== 'ignored') {
      verdict = generation.count(failed, slow, duration, now)
      if (verdict && verdict !== 'probeSucceeded') {
        opening = this.#plan(verdict, now, failure)
      }
    }

    const applied = inTime && generation === this.generation
    if (!applied) this.#late++
    else if (outcome === 'ignored') this.#ignored++
    else if (failed && threw) this.#lastError = payload
    const end = applied ? outcome : 'late'
    // A call that was not timed from its start is not measured: on the plain fast path nothing counts successes.
    if (elapsed !== undefined) this.measure(end, duration, now)
    if (this.listeners.has(end)) {
      const what = threw ? { error: payload } : { value: payload }
      this.listeners.post(end, { breaker: this.breaker, duration: elapsed, ...what })
    }
    if (applied) this.member?.settled(generation, permit, outcome, opening, failure, slow)
    // The fleet decides about its own probes.
    const decides = applied && generation.scope === 'local'
    if (decides && opening) this.#trip(opening, permit, failure)
    else if (decides && verdict === 'probeSucceeded' && now !== undefined) {
      this.enter(toClosed(this, verdict, this.attempt(now), now))
    } else if (inTime && generation.state === 'half-open' && generation.free) this.wake()
    this.listeners.deliver()
    return applied
  }

  /** Adds the end of a call to the statistics. Without `now` there are none, since only timed calls are measured. */
  measure(end: CallEnd, duration: number | undefined, now: number | undefined): void {
    const all = this.#statistics
    if (now === undefined) return
    for (let i = 0; i < all.length; i++) all[i]!.add(end, duration, now)
  }

  /** Ends a call of a closed generation that counts with another as one. Returns whether the generation lasts. */
  release(generation: Admitting): boolean {
    const inTime = generation === this.generation
    if (inTime) generation.end()
    else this.#overdue--
    return inTime
  }

  /** Waits for a lease of the fleet, if that is all that a call needs. A call inside of another needs none. */
  awaitLease(signal: AbortSignal | undefined): Promise<void> | undefined {
    if (this.#request || enclosingProbe(this)) return undefined
    return this.member?.awaitLease(signal)
  }

  /** Returns a call that was admitted just now as the call of a method, which can absorb another. */
  toMethod(call: Handlers): MethodCall {
    return new MethodCall(this, this.generation as ClosedGeneration, call)
  }

  /** Runs the synchronous part of a request. */
  enclose<R>(request: GuardedRequest, fn: () => R): R {
    const before = this.#fastPath
    this.#fastPath = request
    try {
      return fn()
    } finally {
      this.#fastPath = before
      if (request.hasChanged) this.prepare()
    }
  }

  /** The request whose synchronous part is running. */
  get #request(): GuardedRequest | undefined {
    const path = this.#fastPath
    return path && path !== this.generation && 'absorb' in path ? path : undefined
  }

  override probe(): Whole | undefined {
    return this.#request?.probe() ?? enclosingProbe(this)
  }

  /** Whether a call may still count: its generation is current, and the lease of a probe has not expired. */
  isCurrent(generation: Admitting | undefined, permit: CallPermit): boolean {
    return generation === this.generation && (generation.state === 'closed' || generation.has(permit))
  }

  /** Renews the lease of a probe: a long call has shown a sign of life. */
  renew(generation: Admitting | undefined, permit: CallPermit): void {
    if (generation !== this.generation || generation?.state !== 'half-open') return
    if (!generation.renew(permit, this.read())) permit.settle(false, undefined, 'ignored')
    this.listeners.deliver()
  }

  #rejection(reason: RejectionReason, retryAfter: number, cause: unknown, at?: number): CircuitBreakerError {
    return CircuitBreakerError.reject({
      breaker: this.options.name,
      reason,
      because: this.tripReason ?? undefined,
      retryAfter,
      at,
      cause,
      scope: this.generation.scope,
      owner: this,
    })
  }

  // Decisions

  /** Plans the opening for a verdict. Runs user code. */
  #plan(reason: string, now: number | undefined, failure: Failure): Opening | undefined {
    const { generation } = this
    if (generation === this.#planning) return undefined // a call that the user's `timeoutDuration` itself made
    const at = now ?? this.time.now()
    if (this.options.mode === 'observe' && at < (this.quietUntil?.get(reason) ?? at)) return undefined
    const attempt = this.attempt(at) + 1
    this.#planning = generation
    const length = this.userCode.openTime(reason, attempt, failure)
    const cause = toCause(failure.error)
    this.#planning = undefined
    return { reason, at, attempt, length, cause }
  }

  /** Opens the circuit, or reports `wouldTrip` in mode observe. Sets the error of the call that caused it. */
  #trip(opening: Opening, permit: CallPermit | undefined, failure: Failure, now?: number): void {
    const { reason, at, length } = opening
    if (this.options.mode === 'observe') {
      ;(this.quietUntil ??= new Map()).set(reason, at + length)
      if (this.listeners.has('wouldTrip')) this.listeners.post('wouldTrip', { breaker: this.breaker, reason })
      return
    }
    this.enter(toOpen(this, opening, now))
    this.member?.tripped(opening)
    if (permit && 'error' in failure && this.options.errorOnTrip) {
      permit.tripError = this.#rejection('open', Math.ceil(length), failure.error)
    }
  }

  /** Fails probes whose leases have expired, as of their own deadlines, however late that is noticed. */
  #expireProbes(now: number): void {
    let { generation } = this
    while (generation.state === 'half-open') {
      const probe = generation.expired(now)
      if (!probe) return
      generation.end(probe)
      leaveProbe(probe)
      this.#overdue++
      if (probe.waiting) this.#ignored++
      // The record expires the leases of a fleet by itself, and decides what follows.
      else if (generation.count(true, false) && generation.scope === 'local') {
        const opening = this.#plan('probeTimeout', probe.deadline, {})
        if (opening && generation === this.generation) {
          this.#trip(opening, undefined, {}, now)
        }
      }
      generation = this.generation
    }
  }

  // Transitions

  /** Makes a transition and emits its event. */
  override enter(transition: Transition): void {
    const { next, reason, at } = transition
    const { generation: before } = this
    if (before.state === 'half-open') for (const probe of before.probes) leaveProbe(probe)
    this.#overdue += before.inFlight
    this.member?.ending(before, reason)
    super.enter(transition)
    if (next.state === 'closed') this.quietUntil?.clear()
    this.prepare()
    const { state: from } = before
    const { state: to, scope } = next
    if (from !== to && this.listeners.has('stateChange')) {
      this.listeners.post('stateChange', { breaker: this.breaker, from, to, reason, at, scope })
    }
  }

  /**
   * Makes the circuit half-open if its open time has passed. Also takes over from a half-open fleet that cannot be
   * reached: the circuit then admits probes by itself.
   */
  endOpening(now: number, wallNow?: number): void {
    const { generation } = this
    const isOver =
      generation.state === 'open'
        ? generation.remaining(now, wallNow) <= 0
        : generation.state === 'half-open' && generation.abandoned
    if (isOver) this.enter(toHalfOpen(this, this.attempt(now), 'timeoutElapsed', generation.scope))
  }

  /** Returns to the initial options, closed, and forgets all that has happened. Calls in flight become late. */
  reset(): void {
    this.configure((options) => (initialOptions.get(options) as O | undefined) ?? options)
    this.enter(toClosed(this, MANUAL))
    this.#rejected = this.#late = this.#ignored = 0
    this.#lastError = NO_ERROR
    this.listeners.deliver()
  }

  /** Resets the counts of a closed circuit, and the escalation. */
  clear(): void {
    this.forget()
    this.quietUntil?.clear()
    this.generation.clear()
  }
}
