/**
 * The format of a behavioral case, as parsed from a file.
 *
 * Nothing is skipped silently: a key, operation or value that is not part of the format makes its case
 * unsupported, and an unsupported case has failed. A file that holds no list of cases at all is malformed.
 */

export interface Case {
  readonly id: string
  readonly title: string
  readonly config: CaseConfig
  readonly steps: readonly Step[]
}

export type Trip =
  | { readonly kind: 'consecutive'; readonly failures: number }
  | ({ readonly kind: 'countWindow'; readonly size: number } & Thresholds)
  | ({ readonly kind: 'timeWindow'; readonly durationMs: number; readonly buckets: number } & Thresholds)
  | { readonly kind: 'any' | 'all'; readonly of: readonly Trip[] }
  | { readonly kind: 'never' }

export interface Thresholds {
  readonly minCalls?: number
  readonly failureRate?: number
  readonly slowRate?: number
  readonly failures?: number
}

export interface CaseConfig {
  readonly trip?: Trip
  readonly slowCallMs?: number
  readonly openDurationMs?: OpenDuration
  readonly attemptDecayMs?: number
  readonly honorRetryAfter?: boolean
  readonly maxRetryAfterMs?: number
  readonly halfOpen?: HalfOpen
  readonly listener?: 'throws'
}

export type OpenDuration =
  | number
  | readonly number[]
  | { readonly initialMs: number; readonly factor?: number; readonly maxMs?: number }

export interface HalfOpen {
  readonly maxCalls?: number
  readonly maxConcurrent?: number
  readonly successesToClose?: number
  readonly probeTimeoutMs?: number
}

export const OUTCOMES = ['ok', 'fail', 'okError', 'ignored', 'cancel', 'classifierThrows'] as const
export type CaseOutcome = (typeof OUTCOMES)[number]

export const THROW_KINDS = ['nonError', 'syncThrow'] as const

/** How a call ends: its outcome, and the delay that a failing dependency asks for. */
export interface Ending {
  readonly outcome: CaseOutcome | 'release'
  /** How a failure is thrown; absent means that a promise rejects with an `Error`. */
  readonly throwKind?: (typeof THROW_KINDS)[number]
  readonly retryAfterMs?: number
}

export const ADMINISTRATION = ['open', 'close', 'halfOpen', 'forceOpen', 'disable', 'reset'] as const
export type Administration = (typeof ADMINISTRATION)[number]

export type Operation =
  | { readonly op: 'call'; readonly ending: Ending; readonly durationMs: number }
  | { readonly op: 'start'; readonly id: string }
  | { readonly op: 'finish' | 'release'; readonly id: string; readonly ending: Ending }
  | { readonly op: 'check' }
  | { readonly op: Administration }
  | { readonly op: 'configure'; readonly patch: CaseConfig }

export interface Step {
  readonly atMs: number
  readonly operation: Operation
  /** How often the operation is performed; absent means once, under its own id. */
  readonly repeat?: number
  readonly expect: readonly (readonly [key: string, expected: unknown])[]
}
