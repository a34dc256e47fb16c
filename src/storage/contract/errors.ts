import { isObject } from '../../base/validate.ts'

// These hold across realms and across several installed copies of this package.
const DEADLINE = Symbol.for('recloser.StorageDeadlineError')
const UNAVAILABLE = Symbol.for('recloser.StorageUnavailableError')

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

/** The store cannot be asked: it is down, it refuses us, or the storage has been disposed of. */
export class StorageUnavailableError extends Error {
  declare readonly name: 'StorageUnavailableError'
  readonly code = 'STORAGE_UNAVAILABLE'

  static {
    Object.defineProperties(this.prototype, {
      name: { value: 'StorageUnavailableError', configurable: true, writable: true },
      [UNAVAILABLE]: { value: true },
    })
  }
}

/** Whether `error` is a {@link StorageUnavailableError}, of whichever realm or copy of this package. */
export function isStorageUnavailableError(error: unknown): error is StorageUnavailableError {
  return isObject(error) && error[UNAVAILABLE] === true
}
