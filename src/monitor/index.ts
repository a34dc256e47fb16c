/**
 * See and steer any number of circuit breakers: rolling statistics, health, history, events, and control by name.
 *
 * @module
 */

export { CircuitBreakerMonitor, type CircuitBreakerMonitorOptions, type EventsOptions } from './monitor.ts'
export type {
  BreakerReport,
  BreakerTotals,
  CallCounts,
  DurationHistogram,
  FleetReport,
  Health,
  HealthReport,
  History,
  Latency,
  MonitorEvent,
  MonitorSnapshot,
  RecentCalls,
  SnapshotOptions,
  Transition,
} from './report.ts'
