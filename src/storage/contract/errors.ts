import { isObject } from '../../base/validate.ts'

// Registered symbols identify the errors across realms and across several installed copies of this package.
const DEADLINE = Symbol.for('recloser.StorageDeadlineError')
const UNAVAILABLE = Symbol.for('recloser.StorageUnavailableError')

/**
 * The store did not answer in time. It may have executed the operation, or may still do so.
 *
 * @example
 * ```ts
 * import { StorageDeadlineError } from 'recloser/storage'
 *
 * const error = new StorageDeadlineError('acquire', 1_000)
 * console.log(error.message) // The storage did not answer acquire within 1000 ms
 * ```
 */
export class StorageDeadlineError extends Error {
  /** The name of the class. */
  declare readonly name: 'StorageDeadlineError'
  /** Identifies the kind of error. */
  readonly code = 'STORAGE_DEADLINE'
  /** The operation that timed out, such as `'acquire'`. */
  readonly operation: string
  /** The deadline that passed, in milliseconds. */
  readonly deadline: number

  /** Creates the error that a storage rejects with. `deadline`: in milliseconds. */
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

/**
 * Whether `error` is a {@link StorageDeadlineError}, even from another realm or another copy of this package.
 *
 * @example
 * ```ts
 * import { isStorageDeadlineError, StorageDeadlineError } from 'recloser/storage'
 *
 * console.log(isStorageDeadlineError(new StorageDeadlineError('settle', 1_000))) // true
 * console.log(isStorageDeadlineError(new Error('timed out'))) // false
 * ```
 */
export function isStorageDeadlineError(error: unknown): error is StorageDeadlineError {
  return isObject(error) && error[DEADLINE] === true
}

/**
 * The store is not available: it is down, it refuses access, or the storage has been disposed of.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { MemoryStorage, StorageUnavailableError } from 'recloser/storage'
 *
 * const before = () => {
 *   throw new StorageUnavailableError('The store is down')
 * }
 * const storage = new MemoryStorage({ faults: { before } })
 * const breaker = new CircuitBreaker({ name: 'payments', storage })
 * await breaker.call(async () => 'paid')
 * await breaker.flush()
 * console.log(breaker.snapshot().fleet?.link) // degraded
 * ```
 */
export class StorageUnavailableError extends Error {
  /** The name of the class. */
  declare readonly name: 'StorageUnavailableError'
  /** Identifies the kind of error. */
  readonly code = 'STORAGE_UNAVAILABLE'

  static {
    Object.defineProperties(this.prototype, {
      name: { value: 'StorageUnavailableError', configurable: true, writable: true },
      [UNAVAILABLE]: { value: true },
    })
  }
}

/**
 * Whether `error` is a {@link StorageUnavailableError}, even from another realm or another copy of this package.
 *
 * @example
 * ```ts
 * import { isStorageUnavailableError, StorageUnavailableError } from 'recloser/storage'
 *
 * console.log(isStorageUnavailableError(new StorageUnavailableError('The store is down'))) // true
 * console.log(isStorageUnavailableError(new Error('The store is down'))) // false
 * ```
 */
export function isStorageUnavailableError(error: unknown): error is StorageUnavailableError {
  return isObject(error) && error[UNAVAILABLE] === true
}
