import { check, isObject, nonNegative, oneOf, oneOrMore, positive, readOptions } from './validate.ts'

/** What a `timeoutDuration` function is told of the opening whose length it decides. */
export interface OpenTimeContext {
  /** How many times the circuit has opened without having recovered in between: 1 at the first opening. */
  readonly attempt: number
  /** Why the circuit opens: the name of a trip rule, `'probeFailed'`, `'probeTimeout'` or what an operator said. */
  readonly reason: string
  /** The error that opened it, if it was one. */
  readonly error?: unknown
  /** The result that opened it, if it was one that a classifier judged a failure, or that came too late. */
  readonly result?: unknown
  /** The breaker's source of randomness, from 0 up to 1. */
  readonly random: () => number
}

/** Decides how long the circuit stays open, in milliseconds. */
export type OpenTime = (context: OpenTimeContext) => number

/** The options of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** The first open time, in milliseconds. */
  readonly initial: number
  /** The longest open time, in milliseconds. Default 3,600,000 (an hour). */
  readonly max?: number | undefined
  /** What each further attempt multiplies it with, at least 1. Default 2. */
  readonly factor?: number | undefined
  /**
   * `'equal'` (default): half of it fixed, half of it random; `'full'`: from 0 to all of it; `'none'`. Jitter keeps the
   * processes of a fleet from probing in step.
   */
  readonly jitter?: 'equal' | 'full' | 'none' | undefined
}

const HOUR = 3_600_000

/**
 * Doubles the open time with every failed attempt to recover. The kinds of jitter are those of "Exponential Backoff
 * And Jitter" (AWS Architecture Blog, 2015).
 *
 * @throws {TypeError | RangeError} for a bad option.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, exponentialBackoff } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   timeoutDuration: exponentialBackoff({ initial: 1_000, max: 60_000 }), // about 1, 2, 4 … 60 s
 * })
 * ```
 */
export function exponentialBackoff(options: ExponentialBackoffOptions): OpenTime {
  const given = readOptions<ExponentialBackoffOptions>(
    options,
    { initial: positive, max: positive, factor: oneOrMore, jitter: oneOf(['equal', 'full', 'none']) },
    'exponentialBackoff options',
  )
  const { initial, max = HOUR, factor = 2, jitter = 'equal' } = given
  positive(initial, 'initial')
  check(max >= initial, 'max', `a number from \`initial\` (${initial}) up`, max)
  const fixed = { equal: 0.5, full: 0, none: 1 }[jitter]
  return ({ attempt, random }) => {
    const time = Math.min(max, initial * factor ** (attempt - 1))
    return fixed === 1 ? time : time * (fixed + (1 - fixed) * random())
  }
}

/** The options of {@link honorRetryAfter}. */
export interface HonorRetryAfterOptions {
  /** The longest that a `Retry-After` is believed, in milliseconds. Default 3,600,000 (an hour). */
  readonly max?: number | undefined
}

/**
 * Stays open for as long as the dependency asked for with a `Retry-After` header (RFC 9110, section 10.2.3: seconds or
 * a date), which is looked for in `headers` and `response.headers` of the failing error or result. Never shorter than
 * `base`, and no header makes it longer than `max`.
 *
 * @throws {TypeError | RangeError} for a bad argument.
 *
 * @example
 * ```ts
 * import { CircuitBreaker, exponentialBackoff, honorRetryAfter } from 'recloser'
 *
 * const breaker = new CircuitBreaker({
 *   timeoutDuration: honorRetryAfter(exponentialBackoff({ initial: 1_000 }), { max: 120_000 }),
 *   classifyResult: (response) => (response instanceof Response && response.status >= 500 ? 'failure' : undefined),
 * })
 * ```
 */
export function honorRetryAfter(base: number | OpenTime, options: HonorRetryAfterOptions = {}): OpenTime {
  if (typeof base !== 'function') nonNegative(base, 'base')
  const { max = HOUR } = readOptions<HonorRetryAfterOptions>(
    options,
    { max: positive },
    'honorRetryAfter options',
  )
  return (context) => {
    const least = typeof base === 'function' ? base(context) : base
    if (typeof least !== 'number') return least // a bad answer, which the breaker reports
    const asked = retryAfter(context.error) ?? retryAfter(context.result) ?? 0
    return Math.max(least, Math.min(asked, max))
  }
}

/** What a failure asks for, in milliseconds from now. */
function retryAfter(failure: unknown): number | undefined {
  if (!isObject(failure)) return undefined
  try {
    const { response, headers } = failure
    const header = readHeader(headers) ?? (isObject(response) && readHeader(response['headers']))
    if (!header) return undefined
    if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1_000
    return /^[A-Z][a-z]+, .* GMT$/.test(header) ? Date.parse(header) - Date.now() || undefined : undefined
  } catch {
    return undefined // the headers are foreign code; what cannot be read asks for nothing
  }
}

/** Reads the header from `Headers`, from anything with a `get`, or from a plain object as Node and axios have it. */
function readHeader(headers: unknown): string | undefined {
  if (!isObject(headers)) return undefined
  const { get } = headers
  const value =
    typeof get === 'function'
      ? (get.call(headers, 'retry-after') as unknown)
      : Object.entries(headers).find(([name]) => /^retry-after$/i.test(name))?.[1]
  return typeof value === 'string'
    ? value.trim() || undefined
    : typeof value === 'number'
      ? String(value)
      : undefined
}
