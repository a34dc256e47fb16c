/**
 * The rules of behavior in their simplest and slowest form: everything that has ever happened is kept in a list, and
 * every question is answered by going through the list. It was written from the rules, not from the source.
 */
import type { CaseOutcome } from '../conformance/format.ts'
import { inWindow, ratio, recount, runOf, slownessOf, tapesOf, verdict } from './recount.ts'
import type { Counts, Result, Tape } from './recount.ts'
import type { Mode } from './schedule.ts'
import { openTimeOf } from './settings.ts'
import type { Settings } from './settings.ts'

export type State = 'closed' | 'open' | 'half-open' | 'isolated'

/** The period from one transition to the next. */
interface Generation {
  readonly state: State
  readonly began: number
  readonly reason: string
  /** The settings at its start: those of probes and open time apply to a whole period. */
  readonly settings: Settings
  readonly attempt: number
  readonly tripReason: string | null
  /** When an open circuit becomes half-open. */
  readonly deadline: number
  readonly results: readonly Result[]
  readonly tapes: readonly Tape[]
}

interface NaiveCall {
  readonly generation: number
  readonly began: number
  readonly measured: boolean
  readonly end: 'applied' | 'ignored' | 'late' | 'expired' | undefined
  readonly returned: boolean
}

/** A time at which the circuit would have opened, and until when it would have stayed open. */
interface Alarm {
  readonly generation: number
  readonly reason: string
  readonly until: number
}

const UNRECORDED = -1

/** While half-open, the longest delay after which a call is told to ask again. */
const LONGEST_DELAY = 1_000

/** Whether a call fails. A classifier that throws leaves it to the default. */
const fails = (outcome: CaseOutcome | 'release'): boolean =>
  outcome === 'fail' || outcome === 'classifierThrows'

export interface NaiveRejection {
  readonly reason: 'open' | 'half-open' | 'isolated'
  readonly retryAfter: number
}

export class NaiveBreaker {
  #settings: Settings
  readonly #now: () => number
  readonly #generations: Generation[]
  readonly #calls: NaiveCall[] = []
  readonly #rejections: NaiveRejection[] = []
  readonly #alarms: Alarm[] = []
  #mode: Mode = 'enforce'
  #announced = 1

  constructor(settings: Settings, now: () => number) {
    this.#settings = settings
    this.#now = now
    this.#generations = []
    this.#begin('closed', { reason: 'made', at: Number.NEGATIVE_INFINITY, attempt: 0, tripReason: null })
  }

  // Operations

  /** Starts a call. Returns its number, or why it was rejected. */
  start(): number | NaiveRejection {
    this.#operate()
    if (this.#last.state === 'open' && this.#now() >= this.#last.deadline) this.#toHalfOpen('timeoutElapsed')
    const { state } = this.#last
    if (state !== 'closed' && this.retryAfter > 0) {
      const rejection: NaiveRejection = { reason: state, retryAfter: this.retryAfter }
      this.#rejections.push(rejection)
      this.#announce()
      return rejection
    }
    // The clock is read for a probe in any case.
    const measured = slownessOf(this.#settings.trip) !== undefined || this.#last.state === 'half-open'
    // A call that is admitted in mode off belongs to no generation.
    const generation = this.#mode === 'off' ? UNRECORDED : this.#generations.length - 1
    this.#calls.push({ generation, began: this.#now(), measured, end: undefined, returned: false })
    this.#announce()
    return this.#calls.length - 1
  }

  /** Settles a call. Returns whether the outcome was applied. */
  finish(number: number, outcome: CaseOutcome | 'release'): boolean {
    if (this.#calls[number]?.returned !== false) return false
    this.#operate()
    const call = this.#calls[number]
    if (call.generation === UNRECORDED) {
      this.#calls[number] = { ...call, returned: true }
      return true
    }
    const current = call.end === undefined && call.generation === this.#generations.length - 1
    const counts = outcome === 'ok' || outcome === 'okError' || fails(outcome)
    this.#calls[number] = {
      ...call,
      returned: true,
      end: current ? (counts ? 'applied' : 'ignored') : 'late',
    }
    if (current && counts) {
      const now = this.#now()
      // No comparison with NaN is true, so a call of unknown duration is never slow.
      const duration = call.measured ? now - call.began : Number.NaN
      if (this.#last.state === 'half-open') this.#decide(now, fails(outcome), duration)
      else this.#record(now, fails(outcome), duration)
    }
    this.#announce()
    return current
  }

  open(length?: number): boolean {
    this.#operate()
    if (this.#mode !== 'enforce') return false
    const now = this.#now()
    if (this.#last.state === 'open' && now < this.#last.deadline) {
      this.#amend({ deadline: now + (length ?? openTimeOf(this.#settings.openTimes, this.#last.attempt)) })
      return false
    }
    if (this.#last.state === 'open') this.#toHalfOpen('timeoutElapsed')
    this.#toOpen('manual', now, length)
    this.#announce()
    return true
  }

  halfOpen(): boolean {
    this.#operate()
    if (this.#mode !== 'enforce') return false
    if (this.state === 'half-open') return false
    this.#toHalfOpen('manual')
    this.#announce()
    return true
  }

  close(): boolean {
    this.#operate()
    if (this.#mode !== 'enforce') return false
    if (this.#last.state === 'closed') {
      this.#amend({ results: [], tapes: tapesOf(this.#settings.trip), attempt: 0 })
      return false
    }
    this.#begin('closed', { reason: 'manual', at: this.#now(), attempt: 0, tripReason: null })
    this.#announce()
    return true
  }

  isolate(): boolean {
    this.#operate()
    if (this.#mode !== 'enforce') return false
    if (this.#last.state === 'isolated') return false
    const { attempt } = this
    this.#begin('isolated', { reason: 'manual', at: this.#now(), attempt, tripReason: 'manual' })
    this.#announce()
    return true
  }

  enter(mode: Mode): void {
    this.#operate()
    if (mode === this.#mode) return
    this.#mode = mode
    this.#begin('closed', { reason: 'manual', at: this.#now(), attempt: 0, tripReason: null })
    this.#announce()
  }

  configure(patch: Partial<Settings>): void {
    this.#operate()
    this.#settings = { ...this.#settings, ...patch }
    this.#amend({ tapes: tapesOf(this.#settings.trip, this.#last.tapes) })
  }

  // Reads

  get state(): State {
    const { state, deadline } = this.#current()
    return state === 'open' && this.#now() >= deadline ? 'half-open' : state
  }

  get retryAfter(): number {
    const { state, deadline, settings } = this.#current()
    if (state === 'closed') return 0
    if (state === 'isolated') return Number.POSITIVE_INFINITY
    if (state === 'open') return Math.max(0, Math.ceil(deadline - this.#now()))
    const { calls, concurrent } = settings.halfOpen
    const probes = this.#probes()
    if (probes.length < concurrent && probes.length + this.#last.results.length < calls) return 0
    const oldest = Math.min(...probes.map(({ began }) => began))
    return Math.min(LONGEST_DELAY, Math.ceil(oldest + settings.probeTimeout - this.#now()))
  }

  get attempt(): number {
    this.#endLeases()
    return this.#attemptAt(this.#now())
  }

  get tripReason(): string | null {
    return this.#current().tripReason
  }

  get failCounter(): number {
    return runOf(this.#current().results)
  }

  get counts(): Counts {
    const { state, results, tapes } = this.#current()
    const [first] = tapes
    return state === 'closed' && first !== undefined ? inWindow(first, this.#now()) : recount(results)
  }

  /** The rates of the first window; `undefined` where the rules do not define them. */
  get rates(): { readonly failureRate: number | null; readonly slowCallRate: number | null } | undefined {
    const { state, tapes } = this.#current()
    const [first] = tapes
    if (state !== 'closed' || first === undefined) return undefined
    const { counts } = this
    const { minCalls } = first.rule
    return {
      failureRate: ratio(counts.failures, counts, minCalls),
      slowCallRate: ratio(counts.slow, counts, minCalls),
    }
  }

  get totals(): {
    readonly inFlight: number
    readonly rejected: number
    readonly late: number
    readonly ignored: number
  } {
    const ended = (end: NaiveCall['end']): number =>
      this.#calls.filter((call) => call.returned && call.end === end).length
    return {
      inFlight: this.#calls.filter(({ returned, generation }) => !returned && generation !== UNRECORDED)
        .length,
      rejected: this.#rejections.length,
      late: ended('late'),
      ignored: ended('ignored'),
    }
  }

  /** The transitions published so far. Those that a read has noticed are published at the next operation. */
  get transitions(): readonly string[] {
    const announced = this.#generations.slice(0, this.#announced)
    const steps = announced
      .slice(1)
      .map(({ state, reason }, index) => ({ from: announced[index]?.state, to: state, reason }))
    return steps
      .filter(({ from, to }) => from !== to)
      .map(({ from, to, reason }) => `${from}->${to} (${reason})`)
  }

  get alarms(): readonly string[] {
    return this.#alarms.map(({ reason }) => reason)
  }

  // Internals

  get #last(): Generation {
    const last = this.#generations.at(-1)
    if (last === undefined) throw new Error('there is always a generation')
    return last
  }

  #current(): Generation {
    this.#endLeases()
    return this.#last
  }

  #operate(): void {
    this.#endLeases()
    this.#announce()
  }

  #announce(): void {
    this.#announced = this.#generations.length
  }

  #amend(change: Partial<Generation>): void {
    this.#generations[this.#generations.length - 1] = { ...this.#last, ...change }
  }

  #begin(
    state: State,
    {
      at,
      ...how
    }: { reason: string; at: number; attempt: number; tripReason: string | null; deadline?: number },
  ): void {
    const settings = this.#settings
    const empty = { results: [], tapes: tapesOf(settings.trip), deadline: Number.NaN }
    this.#generations.push({ ...empty, ...how, state, settings, began: at })
  }

  #toHalfOpen(reason: string): void {
    const { tripReason } = this.#last
    this.#begin('half-open', { reason, at: this.#now(), attempt: this.#attemptAt(this.#now()), tripReason })
  }

  /** The attempt, less the steps that closed time has forgotten. */
  #attemptAt(at: number): number {
    const { state, attempt, began } = this.#last
    const { attemptDecay } = this.#settings
    if (state !== 'closed' || attempt === 0) return attempt
    return Math.max(0, attempt - Math.floor((at - began) / attemptDecay))
  }

  /** Opens. The first opening is attempt 1, and only a failed half-open period increases it. */
  #toOpen(reason: string, at: number, length?: number): void {
    const known = this.#attemptAt(at)
    const escalates =
      this.#last.state === 'closed' || (this.#last.state === 'half-open' && reason !== 'manual')
    const attempt = escalates ? known + 1 : Math.max(1, known)
    const deadline = at + (length ?? openTimeOf(this.#settings.openTimes, attempt))
    this.#begin('open', { reason, at, attempt, tripReason: reason, deadline })
  }

  #probes(): readonly NaiveCall[] {
    const generation = this.#generations.length - 1
    return this.#calls.filter((call) => call.generation === generation && call.end === undefined)
  }

  /** Settles every lease that has ended, in the order of their ends, as if each had been noticed at its end. */
  #endLeases(): void {
    while (this.#last.state === 'half-open') {
      const { probeTimeout } = this.#last.settings
      const [oldest] = this.#probes().toSorted((one, other) => one.began - other.began)
      if (oldest === undefined || oldest.began + probeTimeout > this.#now()) return
      this.#calls[this.#calls.indexOf(oldest)] = { ...oldest, end: 'expired' }
      this.#decide(oldest.began + probeTimeout, true, Number.NaN, 'probeTimeout')
    }
  }

  /** Settles a probe. */
  #decide(at: number, failing: boolean, duration: number, reason = 'probeFailed'): void {
    const slow = duration > this.#slowness()
    const failed = failing || slow
    this.#amend({ results: [...this.#last.results, { at, failed, slow }] })
    const { results, settings } = this.#last
    const { successes, failures } = recount(results)
    if (successes >= settings.halfOpen.successes) this.#recover(at)
    else if (failures > settings.halfOpen.calls - settings.halfOpen.successes) this.#toOpen(reason, at)
  }

  /** Settles a call of the closed circuit. */
  #record(at: number, failed: boolean, duration: number): void {
    const { trip } = this.#settings
    const slow = duration > this.#slowness()
    const results = [...this.#last.results, { at, failed, slow }]
    const tapes = this.#last.tapes.map(({ rule, results }) => {
      const slow = duration > this.#slowness(rule)
      return { rule, results: [...results, { at, failed, slow }] }
    })
    this.#amend({ results, tapes })
    if (!failed && !slow) return
    const reason = verdict(trip, { run: runOf(results), tapes, now: at })
    if (reason === undefined) return
    if (this.#mode === 'enforce') this.#toOpen(reason, at)
    else this.#wouldOpen(reason, at)
  }

  #slowness(window?: Tape['rule']): number {
    return slownessOf(this.#settings.trip, window) ?? Number.POSITIVE_INFINITY
  }

  /** Raises an alarm, once for each reason and the time that the circuit would have been open. */
  #wouldOpen(reason: string, at: number): void {
    const generation = this.#generations.length - 1
    const last = this.#alarms.findLast((alarm) => alarm.generation === generation && alarm.reason === reason)
    if (last !== undefined && at < last.until) return
    this.#alarms.push({ generation, reason, until: at + openTimeOf(this.#settings.openTimes, 1) })
  }

  #recover(at: number): void {
    const attempt = this.#settings.attemptDecay === 0 ? 0 : this.#last.attempt
    this.#begin('closed', { reason: 'probeSucceeded', at, attempt, tripReason: null })
  }
}
