import { isObject } from '../base/validate.ts'

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
}

/** The failure that opens a circuit: an error, or a result that counts as a failure or was slow. */
export interface Failure {
  readonly error?: unknown
  readonly result?: unknown
}

/** A description of an error, kept in place of the error. */
export interface FailureDescription {
  /** The error's name, or the type of a thrown value that is not an object. */
  readonly name: string
  /** The error's message, or the thrown value as text. */
  readonly message: string
}

/** Describes an error. Never throws, although the error's getters may. */
export function describeFailure(error: unknown): FailureDescription {
  try {
    return isObject(error)
      ? { name: String(error['name']), message: String(error['message']) }
      : { name: typeof error, message: String(error) }
  } catch {
    return { name: 'unknown', message: 'a failure that cannot be shown' }
  }
}
