import assert from 'node:assert/strict'
import {
  isStorageDeadlineError,
  isStorageUnavailableError,
  RedisStorage,
  type RedisStorageOptions,
} from '../../../../src/storage/redis/index.ts'
import type { StorageHint, StorageLimits } from '../../../../src/storage/contract/operations.ts'
import type { Exchanged } from '../../../../src/storage/contract/replies.ts'
import { exchange, sender } from '../../../../src/testing/storage-kit/commands.ts'
import { until } from '../../../helpers/until.ts'
import type { Family } from './clients.ts'

export const host = sender('host')

/** Waits up to 10 s for a condition. */
export const eventually = (holds: () => boolean | Promise<boolean>, what: string): Promise<void> =>
  until(holds, what, 10_000)

/** For operations that are expected to miss the deadline; on a busy machine, successful ones may take longer. */
export const SHORT: StorageLimits = { deadline: 200 }

export const exchanges = (
  storage: RedisStorage,
  name = 'payments',
  limits?: StorageLimits,
): Promise<Exchanged> =>
  storage.exchange(name, exchange(host), limits).then((reply) => {
    assert.ok(reply.type === 'exchanged', JSON.stringify(reply))
    return reply
  })

/** Exchanges until there is a reply; errors in the meantime must be ours. */
export function recovers(storage: RedisStorage, name?: string): Promise<void> {
  return eventually(async () => {
    try {
      await exchanges(storage, name, { deadline: 1_000 })
      return true
    } catch (error) {
      assert.ok(isStorageUnavailableError(error) || isStorageDeadlineError(error), String(error))
      return false
    }
  }, 'the store answers again')
}

/** A storage as a process of the fleet uses it, with its reports. */
export class Member {
  readonly storage: RedisStorage
  readonly states: string[] = []
  readonly log: string[] = []
  readonly hints: StorageHint[] = []

  constructor(family: Pick<Family, 'single'>, url: string, options: Partial<RedisStorageOptions> = {}) {
    this.storage = new RedisStorage({
      client: () => family.single(url),
      deadline: 5_000,
      connectDeadline: 2_000,
      log: (message) => void this.log.push(message),
      ...options,
    })
    this.storage.onStateChange(({ to }) => void this.states.push(to))
  }

  async listen(): Promise<void> {
    await this.storage.subscribe((hint) => void this.hints.push(hint))
  }

  end(): Promise<void> {
    return this.storage[Symbol.asyncDispose]()
  }
}
