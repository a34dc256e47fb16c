import { startTimer } from '../timer.ts'
import { isObject, positiveOrInfinity } from '../validate.ts'
import type { StorageLimits } from './storage.ts'
import { afterTurn } from './turn.ts'

// Holds across realms and across several installed copies of this package.
const DEADLINE = Symbol.for('recloser.StorageDeadlineError')

/** The store did not answer in time. Whether the operation happens is not known. */
export class StorageDeadlineError extends Error {
  declare readonly name: 'StorageDeadlineError'
  readonly code = 'STORAGE_DEADLINE'
  /** What was asked, such as `'acquire'`. */
  readonly operation: string
  /** The deadline that passed, in milliseconds. */
  readonly deadline: number

  /** Storages make these; you may want one in a test. */
  constructor(operation: string, deadline: number) {
    super(`The storage did not answer ${operation} within ${deadline} ms`)
    this.operation = operation
    this.deadline = deadline
  }

  static {
    Object.defineProperties(this.prototype, {
      name: { value: 'StorageDeadlineError', configurable: true, writable: true },
      [DEADLINE]: { value: true },
    })
  }
}

/** Whether `error` is a {@link StorageDeadlineError}, of whichever realm or copy of this package. */
export function isStorageDeadlineError(error: unknown): error is StorageDeadlineError {
  return isObject(error) && error[DEADLINE] === true
}

/**
 * Starts an operation under its limits: rejects when the deadline has passed or the signal aborts, whatever the
 * operation does then. Nothing is started under a signal that has aborted. The timer does not keep a process alive, and
 * a deadline counts as missed only after one more turn of the event loop (F27).
 *
 * @throws {RangeError | TypeError} as a rejection, for a deadline that is no positive number.
 */
export async function limited<T>(
  operation: string,
  start: () => T | PromiseLike<T>,
  { deadline, signal }: StorageLimits = {},
): Promise<T> {
  if (deadline !== undefined) positiveOrInfinity(deadline, 'deadline')
  signal?.throwIfAborted()
  const answer = start()
  if (!(isObject(answer) && 'then' in answer)) return answer
  const limits = new AbortController()
  try {
    return await Promise.race([Promise.resolve(answer), ending(operation, deadline, signal, limits.signal)])
  } finally {
    limits.abort(null) // nobody reads why, and an error would cost more than all the rest
  }
}

/** Rejects when a limit is reached, and leaves neither timer nor listener behind once `over`. */
function ending(
  operation: string,
  deadline: number | undefined,
  signal: AbortSignal | undefined,
  over: AbortSignal,
): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: over })
    if (deadline === undefined || deadline === Infinity) return
    const expire = (): void => afterTurn(() => reject(new StorageDeadlineError(operation, deadline)))
    over.addEventListener('abort', startTimer(deadline, expire, false), { once: true })
  })
}
