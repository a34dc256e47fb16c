import { isCircuitBreakerError } from '../../base/errors.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { isObject } from '../../base/validate.ts'
import { meaningOf } from './classify.ts'

/** A model that did not answer. */
export interface PassedOver {
  readonly model: string
  readonly error: unknown
}

/** Decides whether the next model is asked after an error; `undefined` leaves it to the default. */
export type FallsOver = (error: unknown) => boolean | undefined

export function fallsOverAfter(error: unknown, asked: FallsOver | undefined): boolean {
  return askUser(asked, error) ?? !isOfRequest(error)
}

/** An error of the user's own must not take the place of the one that it was asked about. */
function askUser(asked: FallsOver | undefined, error: unknown): boolean | undefined {
  try {
    return asked?.(error)
  } catch (thrown) {
    warn(`The default decides whether to fall over: ${renderError(thrown)}`)
    return undefined
  }
}

function isOfRequest(error: unknown): boolean {
  const meaning = meaningOf(error)
  return meaning === 'request' || (meaning === 'local' && isInvalidPrompt(error))
}

/** Whatever else was not sent, such as for want of a key, may be sent to another model. */
function isInvalidPrompt(error: unknown): boolean {
  return isObject(error) && error['name'] === 'AI_InvalidPromptError'
}

/** The error that says most: of a call that was made, else of the circuit that is the first to open. */
export function telling(passed: readonly PassedOver[]): unknown {
  const errors = passed.map(({ error }) => error)
  const failures = errors.filter((error) => !isCircuitBreakerError(error))
  if (failures.length > 0) return failures.at(-1)
  const rejections = errors.filter(isCircuitBreakerError)
  return rejections.reduce((soonest, each) => (each.retryAfter < soonest.retryAfter ? each : soonest))
}
