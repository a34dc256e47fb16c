import { CircuitBreaker } from '../breaker.ts'
import type { Circuit } from '../core/circuit.ts'
import type { CircuitBreakerListener, LinkEvent, StateChangeEvent, WouldTripEvent } from '../listener.ts'
import { renderError } from '../base/error-sink.ts'
import type { CircuitBreakerSnapshot } from '../core/snapshot.ts'
import type { ResolvedOptions } from '../options.ts'
import { healthOf } from './health.ts'
import {
  LAST_TRANSITIONS,
  type BreakerReport,
  type BreakerTotals,
  type FleetReport,
  type MonitorEvent,
  type Transition,
} from './report.ts'
import { RollingStatistics } from './rolling.ts'

/** A watched breaker: counts its calls, listens to its events and reports on it. */
export class Watched implements CircuitBreakerListener {
  readonly id: string
  readonly breaker: CircuitBreaker
  /** The targets of `watch` that this breaker is watched through: itself or registries. */
  readonly sources: Set<object> = new Set()
  readonly #circuit: Circuit<ResolvedOptions>
  readonly #statistics: RollingStatistics
  readonly #publish: (event: MonitorEvent) => void
  readonly #detach: () => void
  #lastTransitions: readonly Transition[] = []
  readonly #transitionCounts: { from: Transition['from']; to: Transition['to']; count: number }[] = []

  constructor(id: string, breaker: CircuitBreaker, publish: (event: MonitorEvent) => void) {
    this.id = id
    this.breaker = breaker
    this.#circuit = CircuitBreaker.circuitOf(breaker)!
    this.#statistics = new RollingStatistics(this.#circuit.time.now())
    this.#publish = publish
    this.#detach = this.#circuit.attach(this.#statistics)
    CircuitBreaker.prototype.addListener.call(breaker, this)
  }

  /** Stops watching the breaker. */
  end(): void {
    this.#detach()
    CircuitBreaker.prototype.removeListener.call(this.breaker, this)
  }

  stateChange({ from, to, reason, at, scope }: StateChangeEvent): void {
    const transition: Transition = Object.freeze({ id: this.id, from, to, reason, at, scope })
    this.#lastTransitions = [transition, ...this.#lastTransitions].slice(0, LAST_TRANSITIONS)
    const known = this.#transitionCounts.find((each) => each.from === from && each.to === to)
    if (known) known.count++
    else this.#transitionCounts.push({ from, to, count: 1 })
    this.#publish({ type: 'transition', transition })
  }

  wouldTrip({ reason }: WouldTripEvent): void {
    this.#publish({ type: 'wouldTrip', id: this.id, reason, at: Date.now() })
  }

  link({ state, error, unsent }: LinkEvent): void {
    const message = state === 'live' ? null : renderError(error)
    this.#publish({
      type: 'link',
      id: this.id,
      state,
      error: message,
      unsent: unsent ?? null,
      at: Date.now(),
    })
  }

  report(seconds: number): BreakerReport {
    const snapshot = this.#circuit.snapshot()
    const { name, mode, state, scope, since, retryAfter, tripReason, attempt } = snapshot
    const { failCounter, inFlight, lastFailure } = snapshot
    const now = this.#circuit.time.now()
    return {
      id: this.id,
      name,
      mode,
      state,
      scope,
      health: healthOf(state),
      since,
      retryAfter,
      reason: tripReason,
      attempt,
      failCounter,
      inFlight,
      lastFailure,
      fleet: this.#fleet(snapshot),
      transitions: this.#lastTransitions,
      recent: this.#statistics.recent(now),
      total: this.#statistics.total,
      history: this.#statistics.history(now, seconds),
    }
  }

  get totals(): BreakerTotals {
    const snapshot = this.#circuit.snapshot()
    const { name, state, scope, inFlight } = snapshot
    return {
      id: this.id,
      name,
      state,
      scope,
      fleet: this.#fleet(snapshot),
      inFlight,
      calls: this.#statistics.total,
      transitions: this.#transitionCounts.map((each) => ({ ...each })),
      durations: this.#statistics.durations,
    }
  }

  #fleet({ fleet }: CircuitBreakerSnapshot): FleetReport | null {
    return fleet ? { ...fleet, share: this.#circuit.options.share! } : null
  }
}
