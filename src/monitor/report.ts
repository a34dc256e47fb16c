import type { FleetSnapshot } from '../core/ports.ts'
import type { CircuitBreakerMode, CircuitBreakerState, Scope, Share } from '../base/state.ts'

/** How well a breaker is: closed, half-open, or open and isolated. */
export type Health = 'up' | 'degraded' | 'down'

/** Calls by the way they ended. */
export interface CallCounts {
  readonly success: number
  readonly failure: number
  /** Calls that counted for nothing. */
  readonly ignored: number
  /** Results that came after the state in which their call began. */
  readonly late: number
  /** Calls that were not admitted. */
  readonly rejected: number
}

/** How long calls took, in milliseconds. The percentiles are within 5 % of the true ones. */
export interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
}

/** What happened in the last ten seconds. */
export interface RecentCalls extends CallCounts {
  /**
   * The length of the period in milliseconds: nine seconds and the one that is not over; less if the breaker is not
   * watched that long.
   */
  readonly span: number
  /** Calls per second, those that ended and those that were rejected; a span below a second counts as one. */
  readonly callsPerSecond: number
  /** Failures per success and failure; `null` without any. */
  readonly failureRate: number | null
  /** `null` without any call. */
  readonly latency: Latency | null
}

/** The seconds of the last two minutes or less, the oldest first; the last one is not over. */
export interface History {
  readonly success: readonly number[]
  readonly failure: readonly number[]
  readonly rejected: readonly number[]
  /** The 90th percentile of each second's durations in milliseconds; `null` for a second without any. */
  readonly p90: readonly (number | null)[]
}

/** How many transitions a report has at most. */
export const LAST_TRANSITIONS = 5

/** A change of state. */
export interface Transition {
  /** The breaker's {@link BreakerReport.id}. */
  readonly id: string
  readonly from: CircuitBreakerState
  readonly to: CircuitBreakerState
  readonly reason: string
  /** Milliseconds of the wall clock. */
  readonly at: number
  /** Whose state it is from now on: the breaker's own, or that of the fleet. */
  readonly scope: Scope
}

/** The fleet that a breaker belongs to, as the breaker last heard of it. */
export interface FleetReport extends FleetSnapshot {
  /** How the breaker takes part; with `'observe'` nothing that is done here reaches the fleet. */
  readonly share: Share
}

/** What a monitor knows of one breaker: plain, JSON-safe data. */
export interface BreakerReport {
  /** The breaker's name; followed by ` (2)`, ` (3)` … where other watched breakers have that name already. */
  readonly id: string
  readonly name: string
  readonly mode: CircuitBreakerMode
  readonly state: CircuitBreakerState
  /** Whose state that is: the breaker's own, or that of the fleet. */
  readonly scope: Scope
  readonly health: Health
  /** When the state began, in milliseconds of the wall clock; `null` if it has never changed. */
  readonly since: number | null
  /** Milliseconds until a call may be admitted; `null` for never by itself. */
  readonly retryAfter: number | null
  /** What opened the circuit; `null` while it is closed. */
  readonly reason: string | null
  readonly attempt: number
  /** Consecutive failures. */
  readonly failCounter: number
  readonly inFlight: number
  readonly lastFailure: { readonly name: string; readonly message: string } | null
  /** `null` where the breaker has no storage. */
  readonly fleet: FleetReport | null
  /** The last changes of state, the latest first; at most five. */
  readonly transitions: readonly Transition[]
  readonly recent: RecentCalls
  /** Since the breaker is watched. */
  readonly total: CallCounts
  readonly history: History
}

/** Which part of a snapshot is wanted. */
export interface SnapshotOptions {
  /** How many seconds of history: 0 to 120, the default. */
  readonly history?: number | undefined
}

/** What a monitor knows: plain, JSON-safe data. */
export interface MonitorSnapshot {
  /** The version of this shape. */
  readonly version: 1
  /** Milliseconds of the wall clock. */
  readonly takenAt: number
  /** The worst of all breakers'. */
  readonly health: Health
  /** In the order in which they were first watched. */
  readonly breakers: readonly BreakerReport[]
}

/** The durations of all calls since the breaker is watched, in the form that a Prometheus histogram has. */
export interface DurationHistogram {
  /** Upper bounds in milliseconds: powers of two, from 1 to 65,536. */
  readonly bounds: readonly number[]
  /** How many calls took at most as long as each bound. */
  readonly cumulative: readonly number[]
  readonly count: number
  /** Milliseconds. */
  readonly sum: number
}

/** What an exporter of metrics wants of one breaker; everything counts from when it was first watched. */
export interface BreakerTotals {
  readonly id: string
  readonly name: string
  readonly state: CircuitBreakerState
  readonly scope: Scope
  /** `null` where the breaker has no storage. */
  readonly fleet: FleetReport | null
  readonly inFlight: number
  readonly calls: CallCounts
  readonly transitions: readonly {
    readonly from: CircuitBreakerState
    readonly to: CircuitBreakerState
    readonly count: number
  }[]
  readonly durations: DurationHistogram
}

/** Something that happened to a watched breaker. */
export type MonitorEvent =
  | { readonly type: 'transition'; readonly transition: Transition }
  | {
      /** In mode `'observe'`: the circuit would have opened. */
      readonly type: 'wouldTrip'
      readonly id: string
      readonly reason: string
      readonly at: number
    }
  | {
      /** The storage of a breaker's fleet has been lost, or is back. */
      readonly type: 'link'
      readonly id: string
      /** `'degraded'`: the breaker decides alone. */
      readonly state: 'live' | 'degraded'
      /** Why it is degraded; `null` while it is live. */
      readonly error: string | null
      /** What was done by hand and the fleet has not heard of: it is offered when the link is back. */
      readonly unsent: CircuitBreakerState | null
      readonly at: number
    }
  | { readonly type: 'watched'; readonly id: string }
  | { readonly type: 'unwatched'; readonly id: string }
  | {
      /** The consumer was too slow: so many events, the oldest, are lost. */
      readonly type: 'dropped'
      readonly count: number
    }

/** What an endpoint for health checks answers with. */
export interface HealthReport {
  readonly status: Health
  readonly breakers: Readonly<
    Record<
      string,
      {
        readonly status: Health
        readonly state: CircuitBreakerState
        readonly reason: string | null
        readonly retryAfter: number | null
      }
    >
  >
}
