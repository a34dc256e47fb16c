import { FailureRun, MOST_MISSED, type Health } from '../storage/contract/health.ts'
import { withLimits } from '../storage/contract/with-limits.ts'
import type { StorageCommand } from '../storage/contract/commands.ts'
import type { StorageLimits, StorageOperations } from '../storage/contract/operations.ts'
import { isReply } from './is-reply.ts'

export type LinkState = 'connecting' | 'live' | 'degraded'

/** The deadline of each operation, in milliseconds. */
export const DEADLINE = 1_000
// Lets the storage's own deadline expire first; ours covers a storage that enforces none.
export const GRACE = 50

/**
 * The link of one record to its store: the health of the storage, and whether the part of the store that holds this
 * record answers, such as one node of a Cluster.
 */
export class Link {
  readonly storage: StorageOperations
  readonly #health: Health
  readonly #follower: { linkChanged(): void }
  #failures: FailureRun | undefined
  #isLost = false
  #error: unknown

  constructor(storage: StorageOperations, health: Health, follower: { linkChanged(): void }) {
    this.storage = storage
    this.#health = health
    this.#follower = follower
  }

  get state(): LinkState {
    const { state } = this.#health
    if (state === 'closed') return 'degraded'
    return state === 'live' && this.#isLost ? 'degraded' : state
  }

  /** Why the link is degraded. */
  get error(): unknown {
    return this.#health.error ?? this.#error
  }

  /** Milliseconds that a reply takes. */
  get replyTime(): number {
    return this.#health.replyTime
  }

  /** Whether a command may be tried. */
  get mayRetry(): boolean {
    return this.#health.mayTry
  }

  /** Sends a command. Never rejects: resolves to `undefined` when there is no valid reply. */
  async send<Reply extends { readonly type: string }>(
    operation: StorageCommand['type'],
    start: (limits: StorageLimits) => Promise<Reply>,
  ): Promise<Reply | undefined> {
    const health = this.#health
    const sentAt = health.sending()
    const run = (): Promise<Reply> => start({ deadline: DEADLINE })
    try {
      // A storage with connections of its own keeps the deadline itself.
      const reply = await (health.isConnection
        ? run()
        : withLimits(operation, run, { deadline: DEADLINE + GRACE }))
      if (!isReply(operation, reply)) throw new TypeError(`The storage gave no reply to ${operation}`)
      if (!health.isConnection) health.answered(sentAt, reply.type !== 'unusable')
      this.#failures?.end(sentAt)
      if (this.#isLost) this.#set(false, undefined)
      return reply
    } catch (error) {
      health.failed(sentAt, error)
      // A store that is lost says nothing of this record.
      if (health.state !== 'live') this.#failures = undefined
      else if ((this.#failures ??= new FailureRun()).add(sentAt) >= MOST_MISSED && !this.#isLost)
        this.#set(true, error)
      return undefined
    }
  }

  #set(isLost: boolean, error: unknown): void {
    this.#isLost = isLost
    this.#error = error
    this.#follower.linkChanged()
  }
}
