import { isObject } from '../base/validate.ts'

/** An opening that is decided but not yet made. */
export interface Opening {
  readonly reason: string
  readonly at: number
  readonly length: number
  readonly attempt: number
}

/** The failure that makes a circuit open. */
export interface Failure {
  readonly error?: unknown
  readonly result?: unknown
}

/** What is kept of an error. */
export interface FailureDescription {
  readonly name: string
  readonly message: string
}

/** What can safely be said of a failure: rendering it runs foreign code. */
export function describeFailure(error: unknown): FailureDescription {
  try {
    return isObject(error)
      ? { name: String(error['name']), message: String(error['message']) }
      : { name: typeof error, message: String(error) }
  } catch {
    return { name: 'unknown', message: 'a failure that cannot be shown' }
  }
}
