import type { MonotonicTime } from '../base/clock.ts'
import { startTimer } from '../base/timer.ts'
import type { Health } from '../storage/contract/health.ts'
import type { StorageHint, StorageOperations } from '../storage/contract/operations.ts'
import { withLimits } from '../storage/contract/with-limits.ts'
import { GRACE } from './link.ts'
import { Replica } from './replica.ts'
import { Scheduler } from './scheduler.ts'

/** Milliseconds that an attempt to subscribe may take: nobody waits for it, and a connection may have to be opened. */
const SUBSCRIBE_DEADLINE = 5_000
/** Milliseconds before another attempt to subscribe. */
const SUBSCRIBE_AFTER = 30_000

/** The fleets that a process joins on one storage: their health and scheduler, and a replica per name. */
export class Fleets {
  readonly scheduler: Scheduler
  readonly #storage: StorageOperations
  readonly #health: Health
  #subscription: 'none' | 'pending' | 'failed' | 'live' = 'none'
  // By the name that hints use. Weak, so that an unused breaker can be garbage-collected.
  readonly #replicas = new Map<string, WeakRef<Replica>>()
  readonly #collected = new FinalizationRegistry<string>((key) => {
    if (!this.#replicas.get(key)?.deref()) this.#replicas.delete(key)
  })

  constructor(storage: StorageOperations, health: Health) {
    this.#storage = storage
    this.#health = health
    this.scheduler = new Scheduler(health)
    health.follow(() => this.#healthChanged())
  }

  /** Returns the replica of a name, which all breakers of that name in this process share (F10). */
  replica(name: string, time: MonotonicTime): Replica {
    const key = this.#storage.recordName(name)
    const known = this.#replicas.get(key)?.deref()
    if (known) return known
    const replica = new Replica(name, this.#storage, this.#health, time)
    this.#replicas.set(key, new WeakRef(replica))
    this.#collected.register(replica, key)
    return replica
  }

  /** Subscribes to hints, unless that has been tried lately. Returns whether the subscription is live. */
  subscribe(): boolean {
    if (this.#subscription === 'none') void this.#subscribe()
    return this.#subscription === 'live'
  }

  async #subscribe(): Promise<void> {
    this.#subscription = 'pending'
    const subscribe = (): Promise<unknown> =>
      this.#storage.subscribe((hint) => this.#hinted(hint), { deadline: SUBSCRIBE_DEADLINE })
    try {
      await withLimits('subscribe', subscribe, { deadline: SUBSCRIBE_DEADLINE + GRACE })
      this.#subscription = 'live'
      this.#hinted('resync') // no hint reported what happened before
    } catch {
      // Hints only save time: it is enough to subscribe again when the store is back, or after a while.
      this.#subscription = 'failed'
      startTimer(SUBSCRIBE_AFTER, () => this.#resetSubscription(), false)
    }
  }

  #resetSubscription(): void {
    if (this.#subscription === 'failed') this.#subscription = 'none'
  }

  #healthChanged(): void {
    if (this.#health.state === 'live') this.#resetSubscription()
    else this.scheduler.hurry()
    for (const each of this.#replicas.values()) each.deref()?.linkChanged()
  }

  /** Invalidates the replicas that a hint concerns; the hint itself changes no state (F23). */
  #hinted(hint: StorageHint): void {
    if (hint === 'resync') {
      // The store can be reached again, so the next try need not wait any longer.
      this.#health.tryNow()
      for (const each of this.#replicas.values()) each.deref()?.resync()
    } else {
      const replica = this.#replicas.get(hint.name)?.deref()
      if (replica && hint.epoch > replica.epoch) replica.invalidate()
    }
  }
}
