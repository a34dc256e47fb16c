import { startTimer } from '../../base/timer.ts'
import { isObject, positiveOrInfinity } from '../../base/validate.ts'
import { StorageDeadlineError } from './errors.ts'
import type { StorageLimits } from './operations.ts'
import { onNextTick } from '../../base/next-tick.ts'

/**
 * Runs an operation under its limits: rejects when the deadline passes or the signal aborts, even if the operation
 * continues. If the signal has aborted already, the operation does not start. The timer keeps no process alive, and a
 * deadline counts as missed only after another tick of the event loop (F27).
 *
 * @throws {TypeError | RangeError} as a rejection, when the deadline is not a positive number.
 */
export async function withLimits<T>(
  operation: string,
  start: () => T | PromiseLike<T>,
  { deadline, signal }: StorageLimits = {},
): Promise<T> {
  if (deadline !== undefined) positiveOrInfinity(deadline, 'deadline')
  signal?.throwIfAborted()
  const answer = start()
  if (!(isObject(answer) && 'then' in answer)) return answer
  return settleWithin(answer as unknown as PromiseLike<T>, operation, deadline, signal)
}

/** Settles like `answer`, or rejects when a limit is reached first. Removes its timer and its listener in any case. */
function settleWithin<T>(
  answer: PromiseLike<T>,
  operation: string,
  deadline: number = Infinity,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cleanUp = (): void => {
      stopTimer?.()
      signal?.removeEventListener('abort', abort)
    }
    const succeed = (value: T): void => {
      cleanUp()
      resolve(value)
    }
    const fail = (error: unknown): void => {
      cleanUp()
      reject(error)
    }
    const abort = (): void => fail(signal?.reason)
    const expire = (): void => onNextTick(() => fail(new StorageDeadlineError(operation, deadline)))
    const stopTimer = deadline === Infinity ? undefined : startTimer(deadline, expire, false)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort() // the operation itself may have aborted it
    Promise.resolve(answer).then(succeed, fail)
  })
}
