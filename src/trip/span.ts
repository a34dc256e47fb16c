import { check, numberCheck, positive, positiveInteger, type Check } from '../base/validate.ts'
import type { WindowRequest } from './rule.ts'
import { CountWindow } from './window/count.ts'
import { TimeWindow } from './window/time.ts'

/** A window of time. */
export interface TimeSpan {
  /** The length of the window, in milliseconds. */
  readonly window: number
  /**
   * The number of buckets into which the window is divided. Calls expire one bucket at a time.
   *
   * @default 10
   */
  readonly buckets?: number | undefined
  /** Cannot be combined with `window`. */
  readonly lastCalls?: undefined
}

/** A window of calls, however long ago they were. */
export interface CallSpan {
  /** The number of most recent completed calls that the window covers. */
  readonly lastCalls: number
  /** Cannot be combined with `lastCalls`. */
  readonly window?: undefined
  /** Cannot be combined with `lastCalls`. */
  readonly buckets?: undefined
}

/** The calls that a rule counts: those of the last `window` milliseconds, or the last `lastCalls` calls. */
export type Span = TimeSpan | CallSpan

// Limits, so that a typing error does not allocate a gigabyte.
const MOST_BUCKETS = 10_000
const MOST_CALLS = 1_000_000

const integerUpTo = (most: number): Check =>
  numberCheck(`a positive integer up to ${most}`, (n) => Number.isSafeInteger(n) && n > 0 && n <= most)

export const spanChecks: Record<'window' | 'lastCalls' | 'buckets' | 'minCalls', Check> = {
  window: positive,
  lastCalls: /* @__PURE__ */ integerUpTo(MOST_CALLS),
  buckets: /* @__PURE__ */ integerUpTo(MOST_BUCKETS),
  minCalls: positiveInteger,
}

/** The common options of all rules that count in one window. */
export type Counted = Span & {
  readonly minCalls?: number | undefined
  readonly slowerThan?: number | undefined
}

/** Converts the options of a rule to a request for its window. Throws if the rule could never trip. */
export function toRequest(span: Counted, defaultMinCalls: number, name: string): WindowRequest {
  const { window, lastCalls, buckets = 10, slowerThan } = span
  check(
    (window === undefined) !== (lastCalls === undefined),
    `the span of ${name}`,
    'given by either `window` or `lastCalls`',
    window === undefined ? 'neither' : 'both',
  )
  if (window !== undefined) {
    const key = `${window} ms / ${buckets}`
    return {
      span: key,
      minCalls: span.minCalls ?? defaultMinCalls,
      time: { window, buckets },
      slowerThan,
      create: () => new TimeWindow(window, buckets, key),
    }
  }
  const size = lastCalls
  check(span.buckets === undefined, 'buckets', 'left out with `lastCalls`, which has none', span.buckets)
  const minCalls = span.minCalls ?? Math.min(defaultMinCalls, size)
  check(
    minCalls <= size,
    'minCalls',
    `a number up to \`lastCalls\` (${size}), else ${name} never trips`,
    minCalls,
  )
  const key = `${size} calls`
  return { span: key, minCalls, slowerThan, create: () => new CountWindow(size, key) }
}
