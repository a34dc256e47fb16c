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

/** Waits for what happens by itself within 10 s. */
export const eventually = (holds: () => boolean | Promise<boolean>, what: string): Promise<void> =>
  until(holds, what, 10_000)

/** For operations that are to miss it: one that is answered may take longer on a busy machine. */
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

/** Asks until there is an answer; what is thrown meanwhile must be an error of ours. */
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

/** A storage as a process of the fleet has it, and what it says. */
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
