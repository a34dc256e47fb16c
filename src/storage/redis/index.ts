/**
 * Shares one breaker across many processes through Redis or Valkey.
 *
 * @module
 */
export {
  isStorageDeadlineError,
  isStorageUnavailableError,
  StorageDeadlineError,
  StorageUnavailableError,
} from '../contract/errors.ts'
export type { IoredisLike } from './ports/ioredis.ts'
export type { NodeRedisLike } from './ports/node-redis.ts'
export type { RedisClientLike, RedisClientSource } from './open-port.ts'
export { RedisStorage } from './storage.ts'
export type { RedisStorageEvent, RedisStorageOptions, RedisStorageState } from './storage.ts'
