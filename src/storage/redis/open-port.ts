import { tooOld } from '../../base/peer.ts'
import { check, isObject } from '../../base/validate.ts'
import { ioredisPort, isIoredis, isIoredis4, type IoredisLike } from './ports/ioredis.ts'
import { isNodeRedis, isNodeRedis4, nodeRedisPort, type NodeRedisLike } from './ports/node-redis.ts'

import type { RedisPort } from './ports/port.ts'

/** A client of node-redis 5 or 6, ioredis 5 or 6, or iovalkey: for one server, Sentinel or Cluster. */
export type RedisClientLike = NodeRedisLike | IoredisLike

/** What makes connections: a client that can be duplicated, or a function that makes a new client. */
export type RedisClientSource = RedisClientLike | (() => RedisClientLike)

const CLIENTS = 'a client of node-redis, ioredis or iovalkey'

/** Checks what can be checked before there is a connection. */
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
 * Opens a connection of our own. `ended` hears when it has been lost for good, unless it was destroyed.
 *
 * @throws {TypeError} if the function returns no client, or one that is too old.
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
