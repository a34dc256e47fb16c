/** The calls that a rule counts, as data. */
interface DescribedSpan {
  /** The length of the window, in milliseconds; left out if it covers a number of calls. */
  readonly window?: number | undefined
  /** The number of buckets into which the window is divided. */
  readonly buckets?: number | undefined
  /** The number of most recent calls that the window covers; left out if it covers a time. */
  readonly lastCalls?: number | undefined
  /** The number of calls in the window below which the rule does not trip. */
  readonly minCalls: number
}

/** A rule that counts in one window, as data. */
export type WindowRuleDescription = DescribedSpan &
  (
    | { readonly rule: 'failureRate'; readonly threshold: number }
    | { readonly rule: 'failureCount'; readonly count: number }
    | { readonly rule: 'slowCallRate'; readonly threshold: number; readonly slowerThan: number }
    | { readonly rule: 'customRule'; readonly name: string; readonly slowerThan?: number | undefined }
  )

/** A trip rule as data: what it was created with, and the defaults. */
export type TripRuleDescription =
  | { readonly rule: 'never' }
  | { readonly rule: 'consecutiveFailures'; readonly count: number }
  | WindowRuleDescription
  | { readonly rule: 'anyOf' | 'allOf'; readonly rules: readonly TripRuleDescription[] }
