import type { FleetSnapshot } from '../core/ports.ts'
import type { CircuitBreakerMode, CircuitBreakerState, Scope, Share } from '../base/state.ts'

/** The health of a breaker: `'up'` if closed, `'degraded'` if half-open, `'down'` if open or isolated. */
export type Health = 'up' | 'degraded' | 'down'

/** The number of calls by the way they ended. */
export interface CallCounts {
  /** Calls that counted as a success. */
  readonly success: number
  /** Calls that counted as a failure. */
  readonly failure: number
  /** Calls that counted as neither a success nor a failure. */
  readonly ignored: number
  /** Calls that settled after the state in which they were admitted had ended. */
  readonly late: number
  /** Calls that were not admitted. */
  readonly rejected: number
}

/** Percentiles of the durations of successes and failures, in milliseconds. They are within 5 % of the exact values. */
export interface Latency {
  /** The median. */
  readonly p50: number
  /** The 90th percentile. */
  readonly p90: number
  /** The 99th percentile. */
  readonly p99: number
  /** The 99.9th percentile. */
  readonly p999: number
}

/** The calls of the last ten seconds. */
export interface RecentCalls extends CallCounts {
  /**
   * The length of the period in milliseconds: nine full seconds and the current one, or less if the breaker has not
   * been watched for that long.
   */
  readonly span: number
  /** Calls per second, rejected ones included. A span shorter than a second counts as one second. */
  readonly callsPerSecond: number
  /** Failures divided by the sum of successes and failures, from 0 to 1; `null` if there were none. */
  readonly failureRate: number | null
  /** Percentiles of the durations; `null` if no duration was measured. */
  readonly latency: Latency | null
}

/** Counts for each of the last seconds, at most 120 of them, oldest first. The last entry is for the current second. */
export interface History {
  /** Calls that counted as a success. */
  readonly success: readonly number[]
  /** Calls that counted as a failure. */
  readonly failure: readonly number[]
  /** Calls that were not admitted. */
  readonly rejected: readonly number[]
  /** The 90th percentile of each second's durations in milliseconds; `null` for a second without durations. */
  readonly p90: readonly (number | null)[]
}

/** The maximum number of transitions in a report. */
export const LAST_TRANSITIONS = 5

/** A change of a breaker's state. */
export interface Transition {
  /** The breaker's {@link BreakerReport.id}. */
  readonly id: string
  /** The state before. */
  readonly from: CircuitBreakerState
  /** The state after. */
  readonly to: CircuitBreakerState
  /** Why the state changed, such as the name of the trip rule or `'manual'`. */
  readonly reason: string
  /** When the state changed, in milliseconds of the wall clock. */
  readonly at: number
  /** Whether the new state is the breaker's own or that of the fleet. */
  readonly scope: Scope
}

/** The fleet that a breaker belongs to, according to the breaker's last contact with it. */
export interface FleetReport extends FleetSnapshot {
  /** How the breaker takes part; with `'observe'`, nothing done in this process reaches the fleet. */
  readonly share: Share
}

/** A monitor's report on one breaker: plain, JSON-safe data. */
export interface BreakerReport {
  /** The breaker's name, followed by ` (2)`, ` (3)` … if another watched breaker already has that id. */
  readonly id: string
  /** The breaker's name, which other breakers may share. */
  readonly name: string
  /** Whether the breaker enforces its decisions, only observes, or is off. */
  readonly mode: CircuitBreakerMode
  /** The state in force. */
  readonly state: CircuitBreakerState
  /** Whether the state is the breaker's own or that of the fleet. */
  readonly scope: Scope
  /** The health that follows from the state. */
  readonly health: Health
  /** When the state began, in milliseconds of the wall clock; `null` if it has never changed. */
  readonly since: number | null
  /** Milliseconds until a call may be admitted; `null` if time alone will not help. */
  readonly retryAfter: number | null
  /** What opened the circuit; `null` while it is closed. */
  readonly reason: string | null
  /** The escalation attempt: openings without a recovery in between. */
  readonly attempt: number
  /** The number of consecutive failures. */
  readonly failCounter: number
  /** The number of calls in flight, late ones included. */
  readonly inFlight: number
  /** The last error that counted as a failure; `null` if there was none. */
  readonly lastFailure: { readonly name: string; readonly message: string } | null
  /** The breaker's fleet; `null` if the breaker has no storage. */
  readonly fleet: FleetReport | null
  /** The last transitions, latest first; at most five. */
  readonly transitions: readonly Transition[]
  /** The calls of the last ten seconds. */
  readonly recent: RecentCalls
  /** All calls since the breaker was first watched. */
  readonly total: CallCounts
  /** The calls of each of the last seconds. */
  readonly history: History
}

/** The options of {@link CircuitBreakerMonitor.snapshot} and {@link CircuitBreakerMonitor.report}. */
export interface SnapshotOptions {
  /**
   * How many seconds of history to include, from 0 to 120.
   *
   * @default 120
   */
  readonly history?: number | undefined
}

/** A snapshot of all watched breakers: plain, JSON-safe data. */
export interface MonitorSnapshot {
  /** The version of this shape. */
  readonly version: 1
  /** When the snapshot was taken, in milliseconds of the wall clock. */
  readonly takenAt: number
  /** The worst health of all breakers; `'up'` if there are none. */
  readonly health: Health
  /** The reports, in the order in which the breakers were first watched. */
  readonly breakers: readonly BreakerReport[]
}

/** The durations of successes and failures since the breaker was first watched, shaped like a Prometheus histogram. */
export interface DurationHistogram {
  /** Upper bounds in milliseconds: powers of two, from 1 to 65,536. */
  readonly bounds: readonly number[]
  /** For each bound, the number of calls that took at most that long. */
  readonly cumulative: readonly number[]
  /** The number of calls, those beyond the last bound included. */
  readonly count: number
  /** The sum of all durations in milliseconds. */
  readonly sum: number
}

/** The metrics of one breaker, for an exporter. All counts start when the breaker is first watched. */
export interface BreakerTotals {
  /** The breaker's {@link BreakerReport.id}. */
  readonly id: string
  /** The breaker's name, which other breakers may share. */
  readonly name: string
  /** The state in force. */
  readonly state: CircuitBreakerState
  /** Whether the state is the breaker's own or that of the fleet. */
  readonly scope: Scope
  /** The breaker's fleet; `null` if the breaker has no storage. */
  readonly fleet: FleetReport | null
  /** The number of calls in flight, late ones included. */
  readonly inFlight: number
  /** All calls by the way they ended. */
  readonly calls: CallCounts
  /** The number of transitions between each pair of states; pairs that never occurred are left out. */
  readonly transitions: readonly {
    readonly from: CircuitBreakerState
    readonly to: CircuitBreakerState
    readonly count: number
  }[]
  /** The durations of successes and failures. */
  readonly durations: DurationHistogram
}

/** An event of a monitor, told apart by its `type`. */
export type MonitorEvent =
  | {
      /** The state of a breaker changed. */
      readonly type: 'transition'
      /** The change of state. */
      readonly transition: Transition
    }
  | {
      /** In mode `'observe'`: the circuit would have opened. */
      readonly type: 'wouldTrip'
      /** The breaker's {@link BreakerReport.id}. */
      readonly id: string
      /** What would have opened the circuit. */
      readonly reason: string
      /** When the monitor saw the event, in milliseconds of the wall clock. */
      readonly at: number
    }
  | {
      /** The link to the storage of the breaker's fleet went down or came up, or its record cannot be used. */
      readonly type: 'link'
      /** The breaker's {@link BreakerReport.id}. */
      readonly id: string
      /** `'degraded'`: the breaker decides alone. */
      readonly state: 'live' | 'degraded'
      /** Why the link is degraded; `null` while it is live. */
      readonly error: string | null
      /** The state of a manual change that has not reached the fleet yet and is sent when the link comes up. */
      readonly unsent: CircuitBreakerState | null
      /** When the monitor saw the event, in milliseconds of the wall clock. */
      readonly at: number
    }
  | {
      /** The monitor started to watch a breaker. */
      readonly type: 'watched'
      /** The breaker's {@link BreakerReport.id}. */
      readonly id: string
    }
  | {
      /** The monitor stopped watching a breaker. */
      readonly type: 'unwatched'
      /** The breaker's {@link BreakerReport.id}. */
      readonly id: string
    }
  | {
      /** The consumer was too slow and lost the oldest events. */
      readonly type: 'dropped'
      /** The number of events that were lost. */
      readonly count: number
    }

/** The body of a health-check response. */
export interface HealthReport {
  /** The worst health of all breakers; `'up'` if there are none. */
  readonly status: Health
  /** The health of each breaker, by {@link BreakerReport.id}. */
  readonly breakers: Readonly<
    Record<
      string,
      {
        /** The health that follows from the state. */
        readonly status: Health
        /** The state in force. */
        readonly state: CircuitBreakerState
        /** What opened the circuit; `null` while it is closed. */
        readonly reason: string | null
        /** Milliseconds until a call may be admitted; `null` if time alone will not help. */
        readonly retryAfter: number | null
      }
    >
  >
}
