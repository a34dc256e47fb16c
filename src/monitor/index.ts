/**
 * Observe and control any number of circuit breakers: rolling statistics, health, history, events, and control by id.
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
