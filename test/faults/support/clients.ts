import { Redis as Ioredis6, Cluster as IoredisCluster6 } from 'ioredis'
import { Redis as Ioredis5, Cluster as IoredisCluster5 } from 'ioredis-5'
import { Redis as Iovalkey, Cluster as IovalkeyCluster } from 'iovalkey'
import {
  createClient as nodeRedis6,
  createCluster as nodeRedisCluster6,
  createSentinel as nodeRedisSentinel6,
} from 'redis'
import {
  createClient as nodeRedis5,
  createCluster as nodeRedisCluster5,
  createSentinel as nodeRedisSentinel5,
} from 'redis-5'
import type { RedisClientLike } from '../../../src/storage/redis/index.ts'

/** How one library makes its clients, as its users would. */
export interface Family {
  readonly name: string
  readonly single: (url: string) => RedisClientLike
  readonly sentinel: (ports: readonly number[], master: string) => RedisClientLike
  readonly cluster: (ports: readonly number[]) => RedisClientLike
}

const nodes = (ports: readonly number[]): { host: string; port: number }[] =>
  ports.map((port) => ({ host: '127.0.0.1', port }))

/** Quiet and idle until it is used: it is only a pattern. */
const PATTERN = { lazyConnect: true }

export const families: readonly Family[] = [
  {
    name: 'node-redis 6',
    single: (url) => nodeRedis6({ url }),
    sentinel: (ports, name) => nodeRedisSentinel6({ name, sentinelRootNodes: nodes(ports) }),
    cluster: (ports) => nodeRedisCluster6({ rootNodes: nodes(ports).map((socket) => ({ socket })) }),
  },
  {
    name: 'node-redis 5',
    single: (url) => nodeRedis5({ url }),
    sentinel: (ports, name) => nodeRedisSentinel5({ name, sentinelRootNodes: nodes(ports) }),
    cluster: (ports) => nodeRedisCluster5({ rootNodes: nodes(ports).map((socket) => ({ socket })) }),
  },
  {
    name: 'ioredis 6',
    single: (url) => new Ioredis6(url, PATTERN),
    sentinel: (ports, name) => new Ioredis6({ ...PATTERN, sentinels: nodes(ports), name }),
    cluster: (ports) => new IoredisCluster6(nodes(ports), PATTERN),
  },
  {
    name: 'ioredis 5',
    single: (url) => new Ioredis5(url, PATTERN),
    sentinel: (ports, name) => new Ioredis5({ ...PATTERN, sentinels: nodes(ports), name }),
    cluster: (ports) => new IoredisCluster5(nodes(ports), PATTERN),
  },
  {
    name: 'iovalkey',
    single: (url) => new Iovalkey(url, PATTERN),
    sentinel: (ports, name) => new Iovalkey({ ...PATTERN, sentinels: nodes(ports), name }),
    cluster: (ports) => new IovalkeyCluster(nodes(ports), PATTERN),
  },
]
