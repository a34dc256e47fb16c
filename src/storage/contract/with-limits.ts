import { startTimer } from '../../base/timer.ts'
import { isObject, positiveOrInfinity } from '../../base/validate.ts'
import { StorageDeadlineError } from './errors.ts'
import type { StorageLimits } from './operations.ts'
import { onNextTick } from '../../base/next-tick.ts'

/**
 * Starts an operation under its limits: rejects when the deadline has passed or the signal aborts, whatever the
 * operation does then. Nothing is started under a signal that has aborted. The timer does not keep a process alive, and
 * a deadline counts as missed only after one more turn of the event loop (F27).
 *
 * @throws {RangeError | TypeError} as a rejection, for a deadline that is no positive number.
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

/** What `answer` becomes, or a rejection when a limit is reached. Leaves neither timer nor listener behind. */
function settleWithin<T>(
  answer: PromiseLike<T>,
  operation: string,
  deadline: number = Infinity,
  signal: AbortSignal | undefined,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      stopTimer?.()
      signal?.removeEventListener('abort', abort)
    }
    const succeed = (value: T): void => {
      end()
      resolve(value)
    }
    const fail = (error: unknown): void => {
      end()
      reject(error)
    }
    const abort = (): void => fail(signal?.reason)
    const expire = (): void => onNextTick(() => fail(new StorageDeadlineError(operation, deadline)))
    const stopTimer = deadline === Infinity ? undefined : startTimer(deadline, expire, false)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort() // by the operation itself
    Promise.resolve(answer).then(succeed, fail)
  })
}
