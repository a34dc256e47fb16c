/**
 * A circuit breaker: stops calls to a dependency that fails, probes it after a while, and returns to normal by itself.
 *
 * @module
 */

export {
  exponentialBackoff,
  honorRetryAfter,
  type ExponentialBackoffOptions,
  type HonorRetryAfterOptions,
  type OpenTime,
  type OpenTimeContext,
  type OpenTimeDescription,
} from './base/backoff.ts'
export { CircuitBreaker } from './breaker.ts'
export { explain, type Explanation, type InertRule } from './explain.ts'
export type { Clock } from './base/clock.ts'
export type { Protect, ProtectableMethod } from './calls/decorator.ts'
export {
  CallTimeoutError,
  CircuitBreakerError,
  FailedResultError,
  findCircuitBreakerError,
  isAbortError,
  isCallTimeoutError,
  isCircuitBreakerError,
  isFailedResultError,
  type RejectionDetails,
  type RejectionReason,
} from './base/errors.ts'
export type {
  BeforeCallEvent,
  CallEvent,
  CircuitBreakerEvents,
  CircuitBreakerListener,
  FallbackEvent,
  LinkEvent,
  RejectedEvent,
  StateChangeEvent,
  WouldTripEvent,
} from './listener.ts'
export type {
  CircuitBreakerOptions,
  CircuitBreakerPatch,
  HalfOpenOptions,
  ResolvedOptions,
} from './options.ts'
export type { ClassifyError, ClassifyResult, Exclusion } from './base/outcome.ts'
export type { Permit } from './core/permit.ts'
export { CircuitBreakerRegistry, type CircuitBreakerRegistryOptions } from './registry.ts'
export type {
  Bare,
  CalledWith,
  FallbackFor,
  Guarded,
  KeepsType,
  Kept,
  NoFallback,
  NotInferred,
  OneSignature,
  ParametersOf,
  RunOptions,
  Synchronous,
  SynchronousResult,
  WrapOptions,
} from './calls/signatures.ts'
export type { OpenOptions, TransitionOptions } from './core/control.ts'
export type { ReadyOptions } from './core/ready.ts'
export type { FleetSnapshot } from './core/ports.ts'
export type { CircuitBreakerCounts, CircuitBreakerSnapshot } from './core/snapshot.ts'
export {
  CircuitBreakerState,
  type CircuitBreakerMode,
  type Outcome,
  type Scope,
  type Share,
} from './base/state.ts'
export type { CircuitBreakerStorage } from './storage/storage.ts'
export type { TaskContext } from './calls/task.ts'
export { allOf, anyOf } from './trip/combine.ts'
export { consecutiveFailures } from './trip/consecutive-failures.ts'
export { customRule, type CustomRuleCounts, type CustomRuleOptions } from './trip/custom-rule.ts'
export { failureCount, type FailureCountOptions } from './trip/failure-count.ts'
export { failureRate, type FailureRateOptions } from './trip/failure-rate.ts'
export { never } from './trip/never.ts'
export type { TripRuleDescription, WindowRuleDescription } from './trip/description.ts'
export type { TripRule } from './trip/rule.ts'
export { slowCallRate, type SlowCallRateOptions } from './trip/slow-call-rate.ts'
export type { CallSpan, Span, TimeSpan } from './trip/span.ts'
