import { handleRejection } from '../../base/outcome.ts'
import { tooOld } from '../../base/peer.ts'
import { check } from '../../base/validate.ts'
import { closeNewIoredis, ioredisPort, isIoredis, isIoredis4, type IoredisLike } from './ports/ioredis.ts'
import {
  closeNewNodeRedis,
  isNodeRedis,
  isNodeRedis4,
  nodeRedisPort,
  type NodeRedisLike,
} from './ports/node-redis.ts'

import type { RedisPort } from './ports/port.ts'

/** A client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey, for a single server, Sentinel or Cluster. */
export type RedisClientLike = NodeRedisLike | IoredisLike

/** The source of connections: a client with `duplicate()`, or a function that returns a new client. */
export type RedisClientSource = RedisClientLike | (() => RedisClientLike)

const CLIENTS = 'a client of node-redis, ioredis or iovalkey'

/**
 * Validates what can be validated before there is a connection.
 *
 * @throws {TypeError} when it is no client or function, or a client that is too old or has no `duplicate()`.
 */
export function checkSource(source: unknown, name: string): void {
  if (typeof source === 'function') return
  const old = refusal(source)
  if (old) throw old
  const known = isIoredis(source) || isNodeRedis(source)
  check(known, name, `${CLIENTS}, or a function that returns one`, source)
  check(
    canDuplicate(source),
    name,
    'a function that returns a new client, as this one has no `duplicate`',
    source,
  )
}

/** Functions that have returned two different clients. Others return the application's own client (F27b). */
const factories = new WeakSet<() => RedisClientLike>()

/**
 * Creates a connection of our own, for a caller that waits for at most `deadline` milliseconds until it is open. It calls
 * `ended` when it is lost for good, unless it was destroyed. A client that is the application's own is only duplicated;
 * a new one that a function has made for us is closed, because its duplicate takes its place.
 *
 * @throws {TypeError} when the function returns no client, one that is too old, or one in use that cannot be duplicated.
 */
export function openPort(
  source: RedisClientSource,
  deadline: number,
  ended: (error: unknown) => void,
): RedisPort {
  if (typeof source !== 'function') return portOf(source, deadline, ended)
  const unused = new Set<RedisClientLike>()
  const make = (): RedisClientLike => {
    const client = source()
    unused.add(client)
    handleRejection(client) // of a function that should not have been asynchronous
    return client
  }
  try {
    const client = make()
    if (!factories.has(source)) {
      make()
      if (unused.size > 1) factories.add(source)
      else unused.clear()
    }
    const old = refusal(client)
    if (old) throw old
    check(isIoredis(client) || isNodeRedis(client), 'client()', CLIENTS, client)
    if (!canDuplicate(client)) {
      const isOurs = unused.delete(client) && isNodeRedis(client) && !client.isOpen
      check(isOurs, 'client()', 'a new client each time, as this one has no `duplicate`', client)
    }
    return portOf(client, deadline, ended)
  } finally {
    for (const each of unused) {
      if (isIoredis(each)) closeNewIoredis(each)
      else if (isNodeRedis(each)) closeNewNodeRedis(each)
    }
  }
}

function portOf(client: RedisClientLike, deadline: number, ended: (error: unknown) => void): RedisPort {
  // Only a backstop: the caller's deadline lets the event loop poll its sockets once more before it expires (F27).
  const timeout = deadline + 1_000
  return isIoredis(client) ? ioredisPort(client, timeout, ended) : nodeRedisPort(client, timeout, ended)
}

const canDuplicate = (client: object): boolean =>
  typeof (client as { duplicate?: unknown }).duplicate === 'function'

function refusal(client: unknown): TypeError | undefined {
  if (isIoredis4(client)) return tooOld('redis', 'ioredis 5 or 6', 'ioredis 4 or older', 'ioredis@latest')
  if (isNodeRedis4(client))
    return tooOld('redis', 'node-redis 5 or 6', 'node-redis 4 or older', 'redis@latest')
  return undefined
}
