import type { OpenTime } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { ClassifyError, ClassifyResult, Exclusion } from '../base/outcome.ts'
import type { CircuitBreakerMode } from '../base/state.ts'
import { check, nonNegative, type Check } from '../base/validate.ts'
import type { TripRule } from '../trip/rule.ts'

/** The options of a breaker with the defaults filled in, except for those of its fleet. */
export interface CircuitOptions {
  /** The name of the breaker. */
  readonly name: string
  /** The number of consecutive failures that opens the circuit; `undefined` if `trip` was given. */
  readonly failMax: number | undefined
  /** The rule that opens the circuit. */
  readonly trip: TripRule
  /** The open time in milliseconds, or a function that returns it. */
  readonly timeoutDuration: number | OpenTime
  /** Error classes and predicates whose errors are ignored. */
  readonly exclude: readonly Exclusion[]
  /** Classifies errors. */
  readonly classifyError: ClassifyError | undefined
  /** Classifies results. */
  readonly classifyResult: ClassifyResult | undefined
  /** Milliseconds after which a call times out; `Infinity` for never. */
  readonly callTimeout: number
  /** How many probes a half-open circuit admits, and how many of them must succeed. */
  readonly halfOpen: { readonly calls: number; readonly successes: number; readonly concurrent: number }
  /** Milliseconds after which a probe without a result counts as failed; `Infinity` for never. */
  readonly probeTimeout: number
  /** Milliseconds in the closed state after which the escalation decreases by one; 0 resets it at once. */
  readonly attemptDecay: number
  /** Whether the call that opens the circuit rejects with a `CircuitBreakerError`. */
  readonly errorOnTrip: boolean
  /** Receives what user code throws. */
  readonly onListenerError: ((error: unknown) => unknown) | undefined
  /** The mode of the breaker. */
  readonly mode: CircuitBreakerMode
  /** The source of the breaker's time. */
  readonly clock: Clock
  /** Returns a random number from 0 to 1. */
  readonly random: () => number
}

/** Checks an open time. It must be finite: to open without an end is `isolate()`. */
export const openTime: Check = (value, name) => {
  check(value !== Infinity, name, 'a finite number; `isolate()` has no end', value)
  nonNegative(value, name)
}
