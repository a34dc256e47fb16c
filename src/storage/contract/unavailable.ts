import { isObject } from '../../base/validate.ts'

// Holds across realms and across several installed copies of this package.
const UNAVAILABLE = Symbol.for('recloser.StorageUnavailableError')

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
