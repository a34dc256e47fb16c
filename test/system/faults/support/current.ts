// The current version, with the exports of `fixtures/recloser-0.1.0.mjs`.
export { CircuitBreaker } from '../../../../src/index.ts'
export { RedisStorage } from '../../../../src/storage/redis/index.ts'
