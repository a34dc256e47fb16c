/**
 * Storages, in which the breakers of many processes share their state: the contract of a storage, and one in memory.
 * `recloser/redis` has the storage for Redis and Valkey.
 *
 * @module
 */
export {
  isStorageDeadlineError,
  isStorageUnavailableError,
  StorageDeadlineError,
  StorageUnavailableError,
} from './contract/errors.ts'
export {
  MemoryStorage,
  type MemoryStorageOptions,
  type StorageFaults,
  type StorageOperation,
} from './memory.ts'
export { reduce, type Reduction } from './reducer/reduce.ts'
export type { ReplyTo, StorageHint, StorageLimits } from './contract/operations.ts'
export { CircuitBreakerStorage } from './storage.ts'
export type * from './contract/commands.ts'
export type * from './contract/replies.ts'
