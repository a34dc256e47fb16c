import { isObject } from '../base/validate.ts'
import type { Window } from './window/window.ts'

/** Asked after a failure or a slow call, with the run of consecutive failures: the name of the rule if it is met. */
export type Verdict = (run: number) => string | undefined

/** A rule at work in one closed period. */
export interface Judge {
  readonly verdict: Verdict
  /** In the order in which the rule lists them. */
  readonly windows: readonly Window[]
}

/** The calls that a rule wants counted. */
export interface WindowRequest {
  readonly span: string
  readonly minCalls: number
  /** Where it counts by the time: what other processes count can be added to that. */
  readonly time?: { readonly window: number; readonly buckets: number } | undefined
  /** The rule's own limit; left out, a call is slow by the limit of the whole rule. */
  readonly slowerThan?: number | undefined
  create(): Window
}

/**
 * When a closed circuit opens. An immutable description without counts, so that one rule may serve many breakers.
 * Made by `consecutiveFailures`, `failureRate`, `failureCount`, `slowCallRate`, `anyOf`, `allOf` and `never`.
 */
export abstract class TripRule {
  // Makes the type opaque: nothing else can pass for a rule.
  readonly #rule = true

  /** @internal Whether any sequence of calls can meet it. */
  readonly canTrip: boolean = true
  /** @internal Whether it can be met by what all processes of a fleet count together. */
  get canTripPool(): boolean {
    return this.canTrip
  }
  /** @internal A call that takes strictly longer, in milliseconds, is slow. */
  readonly slowerThan: number = Infinity
  /** @internal The largest such limit of its parts. */
  readonly slowest: number = 0

  /** @internal Asks for the windows that it needs and returns the question to ask. */
  abstract bind(request: (wanted: WindowRequest) => Window): Verdict

  /** @internal Puts it to work for one closed period. It takes over the counts of `previous` that cover the same calls. */
  abstract judge(previous: readonly Window[]): Judge

  /** @internal */
  static is(value: unknown): value is TripRule {
    return isObject(value) && #rule in value && value.#rule
  }
}
