import type { StorageCommand } from '../storage/contract/commands.ts'
import { isStorageDeadlineError } from '../storage/contract/errors.ts'
import { withLimits } from '../storage/contract/with-limits.ts'
import type { StorageHint, StorageLimits, StorageOperations } from '../storage/contract/operations.ts'
import { systemClock } from '../base/clock.ts'
import { startTimer } from '../base/timer.ts'
import { isReply } from './is-reply.ts'

export type LinkState = 'connecting' | 'live' | 'degraded'

/** Notified when the link goes up or down, and when a hint arrives. */
export interface LinkFollower {
  linkChanged(): void
  hinted(hint: StorageHint): void
}

/** The deadline of each operation, in milliseconds. */
const DEADLINE = 1_000
/** The number of deadlines missed in a row that brings the link down (F27). */
const MAX_MISSED = 3
const FIRST_RETRY_DELAY = 1_000
const MAX_RETRY_DELAY = 30_000
// Lets the storage's own deadline expire first; ours covers a storage that enforces none.
const GRACE = 50

/** Sends the commands of this process to a storage, and tracks whether it answers and how quickly. */
export class Link {
  readonly storage: StorageOperations
  state: LinkState = 'connecting'
  /** Why the link is degraded. */
  error: unknown
  /** Milliseconds that the last reply took. */
  replyTime = 0
  /** Whether a command may be tried; `false` while a degraded link waits for its next retry, or for its answer. */
  mayRetry = true
  readonly #follower: LinkFollower
  #missed = 0
  #retries = 0
  #liveSince = 0
  #subscription: 'none' | 'pending' | 'failed' | 'live' = 'none'

  constructor(storage: StorageOperations, follower: LinkFollower) {
    this.storage = storage
    this.#follower = follower
  }

  /** Sends a command. Never rejects: resolves to `undefined` when there is no valid reply. */
  async send<Reply extends { readonly type: string }>(
    operation: StorageCommand['type'],
    start: (limits: StorageLimits) => Promise<Reply>,
  ): Promise<Reply | undefined> {
    const startedAt = systemClock.now()
    this.mayRetry = this.state !== 'degraded'
    try {
      const reply = await withLimits(operation, () => start({ deadline: DEADLINE }), {
        deadline: DEADLINE + GRACE,
      })
      if (!isReply(operation, reply)) throw new TypeError(`The storage gave no reply to ${operation}`)
      this.replyTime = systemClock.now() - startedAt
      this.#succeeded()
      return reply
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** Subscribes to hints, unless that has been tried lately. Returns whether the subscription is live. */
  subscribe(): boolean {
    if (this.#subscription === 'none') void this.#subscribe()
    return this.#subscription === 'live'
  }

  async #subscribe(): Promise<void> {
    this.#subscription = 'pending'
    const listener = (hint: StorageHint): void => {
      // A resync means that the store is reachable again, so the retry need not wait any longer.
      if (hint === 'resync') this.mayRetry = true
      this.#follower.hinted(hint)
    }
    const start = (): Promise<unknown> => this.storage.subscribe(listener, { deadline: DEADLINE })
    try {
      await withLimits('subscribe', start, { deadline: DEADLINE + GRACE })
      this.#subscription = 'live'
      this.#follower.hinted('resync') // no hint reported what happened before
    } catch {
      // Hints only save time: it is enough to subscribe again when the link recovers, or after a while.
      this.#subscription = 'failed'
      startTimer(MAX_RETRY_DELAY, () => this.#resetSubscription(), false)
    }
  }

  #resetSubscription(): void {
    if (this.#subscription === 'failed') this.#subscription = 'none'
  }

  #succeeded(): void {
    this.#missed = 0
    this.mayRetry = true
    this.error = undefined
    if (this.state === 'live') return
    this.state = 'live'
    this.#liveSince = systemClock.now()
    this.#resetSubscription()
    this.#follower.linkChanged()
  }

  #failed(error: unknown): void {
    if (isStorageDeadlineError(error) && ++this.#missed < MAX_MISSED && this.state !== 'degraded') return
    // A store that answers only some commands, such as one whose memory is full, has not recovered: the backoff starts
    // over only if the link was live for a while.
    if (this.state === 'live' && systemClock.now() - this.#liveSince >= MAX_RETRY_DELAY) this.#retries = 0
    const delay =
      Math.random() * Math.min(MAX_RETRY_DELAY, FIRST_RETRY_DELAY * 2 ** Math.min(this.#retries++, 10))
    this.mayRetry = false
    startTimer(delay, () => (this.mayRetry = true), false)
    if (this.state === 'degraded') return
    this.state = 'degraded'
    this.error = error
    this.#follower.linkChanged()
  }
}
