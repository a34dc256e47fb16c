import { check, numberCheck, positive, positiveInteger, type Check } from '../base/validate.ts'
import type { WindowRequest } from './rule.ts'
import { CountWindow } from './window/count.ts'
import { TimeWindow } from './window/time.ts'

/** Counts the calls of the last `window` milliseconds, in `buckets` steps. */
export interface TimeSpan {
  /** Milliseconds. */
  readonly window: number
  /** How many steps the window moves in. Default 10. */
  readonly buckets?: number | undefined
  readonly lastCalls?: undefined
}

/** Counts the last `lastCalls` calls, however long ago they were. */
export interface CallSpan {
  readonly lastCalls: number
  readonly window?: undefined
  readonly buckets?: undefined
}

/** Which calls a rule looks at: those of the last milliseconds, or the last so many. */
export type Span = TimeSpan | CallSpan

// What keeps a typing error from taking a gigabyte.
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

/** What the options of the rules over one window have in common. */
export type Counted = Span & {
  readonly minCalls?: number | undefined
  readonly slowerThan?: number | undefined
}

/** Turns the options of a rule into the request for its window, and refuses what could never trip. */
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
