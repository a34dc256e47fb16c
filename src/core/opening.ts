import { attempt, isObject } from '../base/validate.ts'

/** An opening that has been planned but not yet made. */
export interface Opening {
  /** The trip reason. */
  readonly reason: string
  /** When it starts, in the breaker's time. */
  readonly at: number
  /** The open time, in milliseconds; `Infinity` isolates. */
  readonly length: number
  /** The escalation that it leads to. */
  readonly attempt: number
  /** Describes the error that causes it. */
  readonly cause?: Error | undefined
}

/** The failure that opens a circuit: an error, or a result that counts as a failure or was slow. */
export interface Failure {
  readonly error?: unknown
  readonly result?: unknown
}

/** A description of an error, kept in place of the error. */
export interface FailureDescription {
  /** The error's name, or the type of a thrown value that is not an object; at most 2,000 characters. */
  readonly name: string
  /** The error's message, or the thrown value as text; at most 2,000 characters. */
  readonly message: string
}

// Descriptions outlive the failure and are sent to other processes, so a huge message must not be kept.
const LONGEST_TEXT = 2_000

const cap = (text: string): string =>
  text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text

/** Describes an error. Never throws, although the error's getters may. */
export function describeFailure(error: unknown): FailureDescription {
  const described = attempt(() =>
    isObject(error)
      ? { name: cap(String(error['name'])), message: cap(String(error['message'])) }
      : { name: typeof error, message: cap(String(error)) },
  )
  return described ?? { name: 'unknown', message: 'a failure that cannot be shown' }
}

// A fleet passes a cause on to the circuit of the member that opened it. `instanceof` would run code of a proxy, which may
// throw.
const causes = new WeakSet()

/**
 * Describes the error that opened a circuit as an error of its own, with the original's name, code and stack as text.
 * The error itself belongs to one caller, and may hold what is theirs.
 */
export function toCause(error: unknown): Error | undefined {
  if (error === undefined || causes.has(error as object)) return error as Error | undefined
  const { name, message } = describeFailure(error)
  const cause = new Error(message)
  causes.add(cause)
  const set = (key: string, value: unknown): unknown =>
    Object.defineProperty(cause, key, { value, writable: true, configurable: true })
  set('name', name)
  set('stack', cap(`${name}: ${message}`))
  try {
    const { stack } = error as { stack?: unknown }
    if (typeof stack === 'string') set('stack', cap(stack))
    const { code } = error as { code?: unknown }
    if (typeof code === 'number') set('code', code)
    else if (typeof code === 'string') set('code', cap(code))
  } catch {
    // A getter of the error threw.
  }
  return cause
}
