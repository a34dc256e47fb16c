import type { MonotonicTime } from '../base/clock.ts'
import type { StorageHint, StorageOperations } from '../storage/contract/operations.ts'
import { Link } from './link.ts'
import { Replica } from './replica.ts'
import { Scheduler } from './scheduler.ts'

/** The fleets that a process joins on one storage: the link, its scheduler, and a replica per name. */
export class Fleets {
  readonly link: Link
  readonly scheduler: Scheduler
  // Weak, so that an unused breaker can be garbage-collected.
  readonly #replicas = new Map<string, WeakRef<Replica>>()
  readonly #collected = new FinalizationRegistry<string>((name) => {
    if (!this.#replicas.get(name)?.deref()) this.#replicas.delete(name)
  })

  constructor(storage: StorageOperations) {
    this.link = new Link(storage, this)
    this.scheduler = new Scheduler(this.link)
  }

  /** Returns the replica of a name, which all breakers of that name in this process share (F10). */
  replica(name: string, time: MonotonicTime): Replica {
    const known = this.#replicas.get(name)?.deref()
    if (known) return known
    const replica = new Replica(name, this.link, time)
    this.#replicas.set(name, new WeakRef(replica))
    this.#collected.register(replica, name)
    return replica
  }

  linkChanged(): void {
    for (const each of this.#replicas.values()) each.deref()?.linkChanged()
  }

  /** Invalidates the replicas that a hint concerns; the hint itself changes no state (F23). */
  hinted(hint: StorageHint): void {
    if (hint === 'resync') for (const each of this.#replicas.values()) each.deref()?.invalidate()
    else {
      const replica = this.#replicas.get(hint.name)?.deref()
      if (replica && hint.epoch > replica.epoch) replica.invalidate()
    }
  }
}
