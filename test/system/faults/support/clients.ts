import type * as Ioredis from 'ioredis'
import type * as NodeRedis from 'redis'
import type { RedisClientLike } from '../../../../src/storage/redis/index.ts'

/** How the users of one client library create its clients. */
export interface Family {
  readonly name: string
  readonly single: (url: string) => RedisClientLike
  /** A client with TLS; `ca` is the certificate that it trusts. */
  readonly tls: (url: string, ca: string) => RedisClientLike
  readonly sentinel: (ports: readonly number[], master: string) => RedisClientLike
  readonly cluster: (ports: readonly number[]) => RedisClientLike
}

type Makers = Omit<Family, 'name'>

const nodes = (ports: readonly number[]): { host: string; port: number }[] =>
  ports.map((port) => ({ host: '127.0.0.1', port }))

/** Only a pattern to clone, so it stays unconnected. */
const PATTERN = { lazyConnect: true }

// The versions have different types, but the same calls.
const nodeRedis = (library: unknown): Makers => {
  const { createClient, createCluster, createSentinel } = library as typeof NodeRedis
  return {
    single: (url) => createClient({ url }),
    tls: (url, ca) => createClient({ url, socket: { tls: true, ca } }),
    sentinel: (ports, name) => createSentinel({ name, sentinelRootNodes: nodes(ports) }),
    cluster: (ports) => createCluster({ rootNodes: nodes(ports).map((socket) => ({ socket })) }),
  }
}

const ioredis = (library: unknown): Makers => {
  const { Redis, Cluster } = library as typeof Ioredis
  return {
    single: (url) => new Redis(url, PATTERN),
    tls: (url, ca) => new Redis(url, { ...PATTERN, tls: { ca } }),
    sentinel: (ports, name) => new Redis({ ...PATTERN, sentinels: nodes(ports), name }),
    cluster: (ports) => new Cluster(nodes(ports), PATTERN),
  }
}

const LIBRARIES: Readonly<Record<string, () => Promise<Makers>>> = {
  'node-redis 6': async () => nodeRedis(await import('redis')),
  'node-redis 5': async () => nodeRedis(await import('redis-5')),
  'ioredis 6': async () => ioredis(await import('ioredis')),
  'ioredis 5': async () => ioredis(await import('ioredis-5')),
  iovalkey: async () => ioredis(await import('iovalkey')),
}

/** The newest version of each library: every fault is tested with both. */
export const BOTH = ['node-redis 6', 'ioredis 6'] as const

export const ALL: readonly string[] = Object.keys(LIBRARIES)
export const OLDER: readonly string[] = ALL.filter((name) => !(BOTH as readonly string[]).includes(name))

/** Loads only this library, so that a process starts faster. */
export async function familyOf(name: string): Promise<Family> {
  const load = LIBRARIES[name]
  if (!load) throw new Error(`no client is called ${name}`)
  return { name, ...(await load()) }
}

export const allFamilies = (): Promise<Family[]> => Promise.all(ALL.map(familyOf))
