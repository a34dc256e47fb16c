import type { OpenTime } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { ClassifyError, ClassifyResult, Exclusion } from '../base/outcome.ts'
import type { CircuitBreakerMode } from '../base/state.ts'
import { check, nonNegative, type Check } from '../base/validate.ts'
import type { TripRule } from '../trip/rule.ts'

/** The options of a breaker with the defaults filled in, except for those of its fleet. */
export interface CircuitOptions {
  readonly name: string
  /** `undefined` if `trip` was given. */
  readonly failMax: number | undefined
  readonly trip: TripRule
  readonly timeoutDuration: number | OpenTime
  readonly exclude: readonly Exclusion[]
  readonly classifyError: ClassifyError | undefined
  readonly classifyResult: ClassifyResult | undefined
  readonly callTimeout: number
  readonly halfOpen: { readonly calls: number; readonly successes: number; readonly concurrent: number }
  readonly probeTimeout: number
  readonly attemptDecay: number
  readonly errorOnTrip: boolean
  readonly onListenerError: ((error: unknown) => unknown) | undefined
  readonly mode: CircuitBreakerMode
  readonly clock: Clock
  readonly random: () => number
}

/** Checks an open time. It must be finite: to open without an end is `isolate()`. */
export const openTime: Check = (value, name) => {
  check(value !== Infinity, name, 'a finite number; `isolate()` is what lasts until it is ended', value)
  nonNegative(value, name)
}
