/**
 * Where breakers of many processes keep their shared state: what a storage must do, and one in memory. For Redis and
 * Valkey there is `recloser/redis`.
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
