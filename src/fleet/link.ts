import type { StorageCommand } from '../storage/contract/commands.ts'
import { isStorageDeadlineError } from '../storage/contract/errors.ts'
import { withLimits } from '../storage/contract/with-limits.ts'
import type { StorageHint, StorageLimits, StorageOperations } from '../storage/contract/operations.ts'
import { systemClock } from '../base/clock.ts'
import { startTimer } from '../base/timer.ts'
import { isReply } from './is-reply.ts'

export type LinkState = 'connecting' | 'live' | 'degraded'

/** Told when the link comes up or goes down, and of hints. */
export interface LinkFollower {
  linkChanged(): void
  hinted(hint: StorageHint): void
}

/** How long an operation may take that no call waits for. */
const DEADLINE = 1_000
/** So many missed deadlines in a row, and the link is down (F27). */
const MOST_MISSED = 3
const FIRST_RETRY = 1_000
const LAST_RETRY = 30_000
// The storage's own deadline comes first; this is for one that has none.
const GRACE = 50

/** The way from this process to a storage: whether it answers, and how quickly. */
export class Link {
  readonly storage: StorageOperations
  state: LinkState = 'connecting'
  /** Why it is degraded. */
  error: unknown
  /** How long the last reply took, in milliseconds. */
  replyTime = 0
  /** While degraded: whether it is time to try again. */
  mayRetry = true
  readonly #follower: LinkFollower
  #missed = 0
  #retries = 0
  #liveSince = 0
  #subscription: 'none' | 'asked' | 'failed' | 'live' = 'none'

  constructor(storage: StorageOperations, follower: LinkFollower) {
    this.storage = storage
    this.#follower = follower
  }

  /** Carries out an operation. It never rejects: without an answer there is `undefined`. */
  async send<Reply extends { readonly type: string }>(
    operation: StorageCommand['type'],
    start: (limits: StorageLimits) => Promise<Reply>,
  ): Promise<Reply | undefined> {
    const begun = systemClock.now()
    this.mayRetry = this.state !== 'degraded'
    try {
      const reply = await withLimits(operation, () => start({ deadline: DEADLINE }), {
        deadline: DEADLINE + GRACE,
      })
      if (!isReply(operation, reply)) throw new TypeError(`The storage gave no reply to ${operation}`)
      this.replyTime = systemClock.now() - begun
      this.#succeeded()
      return reply
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  /** Begins to listen for hints, if that has not been done. Whether they arrive. */
  subscribe(): boolean {
    if (this.#subscription === 'none') void this.#subscribe()
    return this.#subscription === 'live'
  }

  async #subscribe(): Promise<void> {
    this.#subscription = 'asked'
    const listener = (hint: StorageHint): void => {
      // The store that hints come from is there again, so nobody needs to wait any longer before trying it.
      if (hint === 'resync') this.mayRetry = true
      this.#follower.hinted(hint)
    }
    const start = (): Promise<unknown> => this.storage.subscribe(listener, { deadline: DEADLINE })
    try {
      await withLimits('subscribe', start, { deadline: DEADLINE + GRACE })
      this.#subscription = 'live'
      this.#follower.hinted('resync') // whatever happened until now was not heard of
    } catch {
      // Hints are for speed. They are asked for again when the link comes back, or after a while.
      this.#subscription = 'failed'
      startTimer(LAST_RETRY, () => this.#forgetSubscription(), false)
    }
  }

  #forgetSubscription(): void {
    if (this.#subscription === 'failed') this.#subscription = 'none'
  }

  #succeeded(): void {
    this.#missed = 0
    this.mayRetry = true
    this.error = undefined
    if (this.state === 'live') return
    this.state = 'live'
    this.#liveSince = systemClock.now()
    this.#forgetSubscription()
    this.#follower.linkChanged()
  }

  #failed(error: unknown): void {
    if (isStorageDeadlineError(error) && ++this.#missed < MOST_MISSED && this.state !== 'degraded') return
    // A store that answers some commands only, as one whose memory is full, is not tried as if it had recovered.
    if (this.state === 'live' && systemClock.now() - this.#liveSince >= LAST_RETRY) this.#retries = 0
    const delay = Math.random() * Math.min(LAST_RETRY, FIRST_RETRY * 2 ** Math.min(this.#retries++, 10))
    this.mayRetry = false
    startTimer(delay, () => (this.mayRetry = true), false)
    if (this.state === 'degraded') return
    this.state = 'degraded'
    this.error = error
    this.#follower.linkChanged()
  }
}
