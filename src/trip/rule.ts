import type { ErrorSink } from '../base/error-sink.ts'
import { check, hasMethods, isObject } from '../base/validate.ts'
import type { Window } from './window/window.ts'

/**
 * Evaluates a rule after a failure or a slow call, given the number of consecutive failures. Returns the name of the
 * rule if it trips.
 */
export type Verdict = (consecutive: number) => string | undefined

/** A rule in one closed generation. */
export interface Judge {
  readonly verdict: Verdict
  /** The windows of the rule, in the order in which it requests them. */
  readonly windows: readonly Window[]
}

/** What a rule needs from the circuit that it judges. */
export interface JudgedCircuit {
  readonly generation: { readonly calls: number }
  readonly options: { readonly trip: TripRule; readonly mode: string }
  readonly userCode: ErrorSink
}

/** A window that a rule needs. */
export interface WindowRequest {
  /** Identifies the calls that the window covers. */
  readonly span: string
  readonly minCalls: number
  /** For a window of time, which a fleet can add up over its members. */
  readonly time?: { readonly window: number; readonly buckets: number } | undefined
  /** A call that takes longer, in milliseconds, is slow. Without it, the threshold of the whole rule applies. */
  readonly slowerThan?: number | undefined
  create(): Window
}

/**
 * Decides when a closed circuit opens. A rule is an immutable description without counts, so that many breakers can
 * share it. Create one with `consecutiveFailures`, `failureRate`, `failureCount`, `slowCallRate`, `customRule`,
 * `anyOf`, `allOf` and `never`.
 */
export abstract class TripRule {
  // Makes the type nominal: no other object is assignable to it.
  readonly #rule = true

  /** @internal Whether any sequence of calls can trip it. */
  readonly canTrip: boolean = true
  /** @internal Whether the pooled counts of a fleet can trip it, if anything can. */
  readonly canTripPool: boolean = true
  /** @internal The option `failMax` that it stands for, if it was made from that. */
  readonly failMax: number | undefined = undefined
  /** @internal A call that takes strictly longer, in milliseconds, is slow. */
  readonly slowerThan: number = Infinity

  /** @internal Requests its windows and returns the function that evaluates it on them. */
  abstract bind(request: (wanted: WindowRequest) => Window, errors: ErrorSink): Verdict

  /** @internal Prepares it for one closed generation. Reuses windows of `previous` that cover the same calls. */
  abstract toJudge(previous: readonly Window[], circuit: JudgedCircuit): Judge

  /** @internal Throws if no call could ever be slow, because all time out before. */
  checkTimeout(_callTimeout: number): void {}

  /** @internal Throws unless `value` is a rule of this copy of the package. */
  static check(value: unknown, name: string): asserts value is TripRule {
    const expected = hasMethods(value, 'toJudge')
      ? 'a trip rule of the same copy of recloser: several are installed'
      : 'a trip rule, such as failureRate({ … })'
    check(isObject(value) && #rule in value && value.#rule, name, expected, value)
  }
}
