import { tooOld } from '../../base/peer.ts'
import { check, isObject } from '../../base/validate.ts'
import { ioredisPort, isIoredis, isIoredis4, type IoredisLike } from './ports/ioredis.ts'
import { isNodeRedis, isNodeRedis4, nodeRedisPort, type NodeRedisLike } from './ports/node-redis.ts'

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
  const canDuplicate = typeof (source as { duplicate?: unknown }).duplicate === 'function'
  check(canDuplicate, name, 'a function that returns a new client, as this one has no `duplicate`', source)
}

/**
 * Creates a connection of our own. It calls `ended` when it is lost for good, unless it was destroyed.
 *
 * @throws {TypeError} when the function returns no client, or one that is too old.
 */
export function openPort(
  source: RedisClientSource,
  connectTimeout: number,
  ended: (error: unknown) => void,
): RedisPort {
  const client = typeof source === 'function' ? source() : source
  const ours = typeof source === 'function'
  const old = refusal(client)
  if (old) {
    if (ours && isIoredis(client)) client.disconnect()
    throw old
  }
  if (isIoredis(client)) return ioredisPort(client, ours, connectTimeout, ended)
  check(isObject(client) && isNodeRedis(client), 'client()', CLIENTS, client)
  return nodeRedisPort(client, ours, connectTimeout, ended)
}

function refusal(client: unknown): TypeError | undefined {
  if (isIoredis4(client)) return tooOld('redis', 'ioredis 5 or 6', 'ioredis 4 or older', 'ioredis@latest')
  if (isNodeRedis4(client))
    return tooOld('redis', 'node-redis 5 or 6', 'node-redis 4 or older', 'redis@latest')
  return undefined
}
