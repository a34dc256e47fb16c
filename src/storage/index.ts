/**
 * Where breakers of many processes keep their shared state: what a storage must do, and one in memory. For Redis and
 * Valkey there is `recloser/redis`.
 *
 * @module
 */
export { isStorageDeadlineError, StorageDeadlineError } from './limited.ts'
export {
  MemoryStorage,
  type MemoryStorageOptions,
  type StorageFaults,
  type StorageOperation,
} from './memory.ts'
export { reduce, type Reduction } from './reducer.ts'
export { CircuitBreakerStorage, type ReplyTo, type StorageHint, type StorageLimits } from './storage.ts'
export type * from './commands.ts'
export type * from './replies.ts'
export { isStorageUnavailableError, StorageUnavailableError } from './unavailable.ts'
