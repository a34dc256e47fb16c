import { isCircuitBreakerError } from '../../base/errors.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { isObject } from '../../base/validate.ts'
import { meaningOf } from './classify.ts'

/** A model that did not answer, with its error. */
export interface PassedOver {
  readonly model: string
  readonly error: unknown
}

/** Decides whether to call the next model after an error; `undefined` applies the default. */
export type FallsOver = (error: unknown) => boolean | undefined

export function fallsOverAfter(error: unknown, decide: FallsOver | undefined): boolean {
  return askUser(decide, error) ?? !isOfRequest(error)
}

/** Calls the user's function. An error that it throws must not replace the error of the model. */
function askUser(decide: FallsOver | undefined, error: unknown): boolean | undefined {
  try {
    return decide?.(error)
  } catch (thrown) {
    warn(`The default decides whether to fall over: ${renderError(thrown)}`)
    return undefined
  }
}

function isOfRequest(error: unknown): boolean {
  const meaning = meaningOf(error)
  return meaning === 'request' || (meaning === 'local' && isInvalidPrompt(error))
}

/**
 * Whether the prompt is invalid, which it is for every model. Other requests that were never sent, for example because
 * an API key is missing, may succeed with another model.
 */
function isInvalidPrompt(error: unknown): boolean {
  return isObject(error) && error['name'] === 'AI_InvalidPromptError'
}

/**
 * Returns the most informative error: the one of the last model that was called, or the rejection with the shortest
 * `retryAfter` if none was.
 */
export function mostInformative(passed: readonly PassedOver[]): unknown {
  const errors = passed.map(({ error }) => error)
  const failures = errors.filter((error) => !isCircuitBreakerError(error))
  if (failures.length > 0) return failures.at(-1)
  const rejections = errors.filter(isCircuitBreakerError)
  return rejections.reduce((soonest, each) => (each.retryAfter < soonest.retryAfter ? each : soonest))
}
