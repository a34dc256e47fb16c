import { check, isObject, nonNegative, oneOf, oneOrMore, positive, readOptions } from './validate.ts'

/** The opening for which a `timeoutDuration` function returns the open time. */
export interface OpenTimeContext {
  /** The number of times that the circuit has opened without recovering in between: 1 for the first opening. */
  readonly attempt: number
  /** Why it opens: the name of a trip rule, `'probeFailed'`, `'probeTimeout'`, or the reason of a manual opening. */
  readonly reason: string
  /** The error that opened the circuit, if an error did. */
  readonly error?: unknown
  /** The result that opened the circuit, if a classifier classified it as a failure, or if the call was slow. */
  readonly result?: unknown
  /** The breaker's source of randomness: returns a number from 0 to 1. */
  readonly random: () => number
}

/** Returns how long the circuit stays open, in milliseconds. */
export type OpenTime = (context: OpenTimeContext) => number

/** An open time as data. */
export type OpenTimeDescription =
  | { readonly kind: 'fixed'; readonly time: number }
  | {
      readonly kind: 'exponentialBackoff'
      readonly initial: number
      readonly max: number
      readonly factor: number
      readonly jitter: 'equal' | 'full' | 'none'
    }
  | { readonly kind: 'honorRetryAfter'; readonly base: OpenTimeDescription; readonly max: number }
  | { readonly kind: 'function'; readonly name: string }

const descriptions = /* @__PURE__ */ new WeakMap<OpenTime, OpenTimeDescription>()

/** Returns an open time as data; of a function of the user only its name. */
export function describeOpenTime(openTime: number | OpenTime): OpenTimeDescription {
  if (typeof openTime === 'number') return { kind: 'fixed', time: openTime }
  return descriptions.get(openTime) ?? { kind: 'function', name: nameOf(openTime) }
}

/** Returns the name of a function of the user, which may have redefined it; empty if that is no string. */
function nameOf(openTime: { readonly name: unknown }): string {
  try {
    const { name } = openTime
    return typeof name === 'string' ? name : ''
  } catch {
    return ''
  }
}

/** The options of {@link exponentialBackoff}. */
export interface ExponentialBackoffOptions {
  /** The first open time, in milliseconds. */
  readonly initial: number
  /**
   * The longest open time, in milliseconds.
   *
   * @default 3_600_000 (an hour)
   */
  readonly max?: number | undefined
  /**
   * The factor by which the open time grows with each attempt; at least 1.
   *
   * @default 2
   */
  readonly factor?: number | undefined
  /**
   * How much of the open time is random. `'equal'`: one half is fixed, the other half is random. `'full'`: all of it is
   * random. `'none'`: all of it is fixed. Jitter keeps processes from probing at the same time.
   *
   * @default 'equal'
   */
  readonly jitter?: 'equal' | 'full' | 'none' | undefined
}

const HOUR = 3_600_000

/**
 * Returns a function for `timeoutDuration` that multiplies the open time by `factor` after every failed attempt to
 * recover. The kinds of jitter are those of "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
 *
 * @throws {TypeError | RangeError} for an invalid option.
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
  const openTime: OpenTime = ({ attempt, random }) => {
    const time = Math.min(max, initial * factor ** (attempt - 1))
    return fixed === 1 ? time : time * (fixed + (1 - fixed) * random())
  }
  descriptions.set(openTime, Object.freeze({ kind: 'exponentialBackoff', initial, max, factor, jitter }))
  return openTime
}

/** The options of {@link honorRetryAfter}. */
export interface HonorRetryAfterOptions {
  /**
   * The longest open time that a `Retry-After` header can ask for, in milliseconds.
   *
   * @default 3_600_000 (an hour)
   */
  readonly max?: number | undefined
}

/**
 * Returns a function for `timeoutDuration` that honors the `Retry-After` header (RFC 9110, section 10.2.3: seconds or a
 * date). It reads the header from `headers` or `response.headers` of the error or result that opened the circuit. The
 * open time is never shorter than `base`, and a header never makes it longer than `max`.
 *
 * @param base the shortest open time, in milliseconds, or a function that returns it
 * @throws {TypeError | RangeError} for an invalid argument.
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
  const openTime: OpenTime = (context) => {
    const least = typeof base === 'function' ? base(context) : base
    if (typeof least !== 'number') return least // invalid: the breaker reports it
    const asked = retryAfter(context.error) ?? retryAfter(context.result) ?? 0
    return Math.max(least, Math.min(asked, max))
  }
  descriptions.set(openTime, Object.freeze({ kind: 'honorRetryAfter', base: describeOpenTime(base), max }))
  return openTime
}

/** Returns the delay that a failure asks for, in milliseconds from now. */
function retryAfter(failure: unknown): number | undefined {
  if (!isObject(failure)) return undefined
  try {
    const { response, headers } = failure
    const header = readHeader(headers) ?? (isObject(response) && readHeader(response['headers']))
    if (!header) return undefined
    if (/^\d+(\.\d+)?$/.test(header)) return Number(header) * 1_000
    return /^[A-Z][a-z]+, .* GMT$/.test(header) ? Date.parse(header) - Date.now() || undefined : undefined
  } catch {
    return undefined // a getter of the headers threw
  }
}

/** Reads the header from `Headers`, any object with a `get` method, or a plain object, as in Node and axios. */
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
