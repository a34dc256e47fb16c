import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { CircuitBreakerState } from '../../../../src/base/state.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import { fromFields } from '../../../../src/storage/redis/fields.ts'
import { isCircuitBreakerError, type CircuitBreaker } from '../../../../src/index.ts'

/** Milliseconds that a call may wait for a lease, by default (I6). */
export const PROBE_DEADLINE = 100
/** Milliseconds by which timers and clocks of one process may differ. */
const TOLERANCE = 5

const lag = monitorEventLoopDelay({ resolution: 10 })
lag.enable()

/** The error of a call that failed, as opposed to errors that no call may see. */
class CallError extends Error {}

/**
 * What belongs to the breaker of a name: its reporter and the reasons of its manual changes. They show up in records and
 * replicas, so what belongs to one breaker is recognized in another.
 */
export const reporterOf = (name: string): string => `of-${name}`
export const reasonOf = (name: string, what: string): string => `${what} of ${name}`
const owners = (text: string): string[] => [...text.matchAll(/\bof[- ](\w+)/g)].map(([, owner]) => owner!)

/** Checks, while it happens, what the breakers of some fleets do and show (I1, I2, I5, I6, F22b). */
export class History {
  readonly violations = new Set<string>()
  /** The probes of each half-open period, by name and epoch. */
  readonly probes: Map<string, number> = new Map()
  readonly #records = new Map<string, number>()
  longestWait = 0

  watch(breaker: CircuitBreaker, probes = 1): WatchedBreaker {
    return new WatchedBreaker(this, breaker, probes)
  }

  /** Checks the fields of a record, and returns its state and epoch. */
  record(name: string, fields: Readonly<Record<string, string>>): Pick<BreakerRecord, 'state' | 'epoch'> {
    this.belongs(name, JSON.stringify(fields), 'record')
    const { state = 'closed', epoch = 0 } = (fromFields(fields) ?? {}) as Partial<BreakerRecord>
    const before = this.#records.get(name) ?? 0
    if (epoch < before) this.violation(`I1: the record of ${name} went from ${before} back to ${epoch}`)
    this.#records.set(name, Math.max(epoch, before))
    return { state, epoch }
  }

  belongs(name: string, text: string, where: string): void {
    const foreign = owners(text).filter((owner) => owner !== name)
    if (foreign.length > 0) this.violation(`F22b: the ${where} of ${name} shows ${foreign[0]}'s: ${text}`)
  }

  violation(what: string): void {
    this.violations.add(what)
  }

  /** Returns all that must not have happened. */
  end(): string[] {
    const most = PROBE_DEADLINE + (2 * lag.max) / 1e6 + 150
    if (this.longestWait > most) this.violation(`I6: a call waited ${this.longestWait} of ${most} ms`)
    return [...this.violations]
  }
}

/** A breaker, with checks of what it shows and of each of its calls. */
export class WatchedBreaker {
  readonly breaker: CircuitBreaker
  readonly #history: History
  readonly #probes: number
  #epoch = 0
  #always: CircuitBreakerState | undefined
  /** The opening of the fleet that it knows, and until when it lasts. */
  #opening: { epoch: number; until: number } | undefined

  constructor(history: History, breaker: CircuitBreaker, probes: number) {
    this.#history = history
    this.breaker = breaker
    this.#probes = probes
  }

  get #name(): string {
    return this.breaker.name
  }

  /** From now on it must never be in another state. */
  staysAs(state: CircuitBreakerState): void {
    this.#always = state
  }

  observe(): void {
    const { fleet, scope, tripReason, state, retryAfter } = this.breaker.snapshot()
    const history = this.#history
    const { epoch = 0, by = '', reason = '' } = fleet ?? {}
    history.belongs(this.#name, `${by} ${reason} ${tripReason}`, 'replica')
    if (epoch < this.#epoch) history.violation(`I1: ${this.#name} went from ${this.#epoch} back to ${epoch}`)
    this.#epoch = epoch
    if (this.#always && state !== this.#always)
      history.violation(`${this.#name} is not ${this.#always}, but ${state}: ${reason}`)
    if (state !== 'open' && state !== 'isolated') return
    if (scope !== 'fleet' || this.#opening?.epoch === epoch) return
    this.#opening = { epoch, until: performance.now() + (retryAfter ?? Infinity) }
  }

  /** Makes one call. */
  async call(task: () => unknown): Promise<void> {
    const history = this.#history
    const began = performance.now()
    let waits = true
    const decided = (): void => {
      if (waits) history.longestWait = Math.max(history.longestWait, performance.now() - began)
      waits = false
    }
    try {
      await this.breaker.call(async () => {
        decided()
        this.#admitted()
        await task()
      })
    } catch (error) {
      decided()
      if (!(error instanceof CallError) && !isCircuitBreakerError(error))
        history.violation(`I6: a call of ${this.#name} saw ${String(error)}`)
    }
  }

  #admitted(): void {
    const { state, scope } = this.breaker.snapshot()
    const history = this.#history
    this.observe()
    const opening = this.#opening
    const early = opening && opening.epoch === this.#epoch && performance.now() < opening.until - TOLERANCE
    if (early || state === 'open' || state === 'isolated')
      history.violation(`I5: ${this.#name} admitted a call while it knew of an opening (${state})`)
    if (state !== 'half-open' || scope !== 'fleet') return
    const period = `${this.#name} ${this.#epoch}`
    const probes = (history.probes.get(period) ?? 0) + 1
    history.probes.set(period, probes)
    if (probes > this.#probes) history.violation(`I2: ${probes} probes of ${period}`)
  }
}

export const fail = (): never => {
  throw new CallError('the dependency is down')
}
