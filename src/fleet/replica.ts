import type { MonotonicTime } from '../base/clock.ts'
import type { Sender } from '../storage/contract/commands.ts'
import { DAY, LONGEST_DECAY } from '../storage/contract/limits.ts'
import type { Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import type { CircuitBreakerState } from '../base/state.ts'
import { startTimer } from '../base/timer.ts'
import { Leases } from './leases.ts'
import type { Link } from './link.ts'

/** What a member did that a reply answers. */
export interface OwnChange {
  readonly member: ReplicaFollower
  readonly to: CircuitBreakerState
  /** The failure that made it open. */
  readonly cause?: unknown
}

/** A breaker that goes by a replica. */
export interface ReplicaFollower {
  applyRecord(view: RecordView, reset: boolean, own?: OwnChange): void
  linkChanged(): void
  /** The replica may be out of date. */
  invalidate(): void
}

/** After a record that could not be used, it is looked at again (F16). */
const REFRESH_AFTER = 30_000

/** The record of one name, as this process last heard of it. Only replies change it. */
export class Replica {
  readonly name: string
  readonly link: Link
  readonly time: MonotonicTime
  readonly leases: Leases
  view: RecordView | undefined
  /** How often something may have happened. */
  invalidations = 1
  /** Why the record cannot be used, if it cannot. */
  refused: string | undefined
  /** Whether it is time to look at it again. */
  mayRefresh = true
  /** Whether it has a state that the record is to be offered. */
  hasOffer = false
  #receivedAt = 0
  // How many doubts a reply has settled.
  #revalidated = 0
  readonly #members = new Set<WeakRef<ReplicaFollower>>()

  constructor(name: string, link: Link, time: MonotonicTime) {
    this.name = name
    this.link = link
    this.time = time
    this.leases = new Leases(this)
  }

  join(member: ReplicaFollower): void {
    this.#members.add(new WeakRef(member))
  }

  get epoch(): number {
    return this.view?.epoch ?? 0
  }

  /** Something may have happened that has not been heard of. */
  get stale(): boolean {
    return this.#revalidated < this.invalidations
  }

  /** Milliseconds since it was last heard of. */
  get age(): number {
    return this.view ? this.time.now() - this.#receivedAt : Infinity
  }

  /** Whether there is no fleet to go by. */
  get degraded(): boolean {
    return this.link.state === 'degraded' || this.refused !== undefined
  }

  /** Milliseconds that are left of an opening, by our own monotonic clock (F14). */
  get remaining(): number {
    const left = (this.view?.remaining ?? 0) - (this.time.now() - this.#receivedAt)
    return Math.min(DAY, Math.max(0, Math.ceil(left)))
  }

  /** What a command says of its sender (F12). */
  sender(reporter: string, attemptDecay: number): Sender {
    const { state = 'closed', epoch = 0, attempt = 0, reason = '', by = '' } = this.view ?? {}
    const decay = Math.min(LONGEST_DECAY, Math.ceil(attemptDecay))
    const forgotten =
      state === 'closed' && decay > 0 ? Math.floor((this.time.now() - this.#receivedAt) / decay) : 0
    const remaining = state === 'open' ? this.remaining : 0
    return {
      reporter,
      state,
      epoch,
      remaining,
      attempt: Math.max(0, attempt - forgotten),
      decay,
      reason,
      by,
    }
  }

  /**
   * Takes a reply that is not older than what is known, and tells the members. Whether it could be used. `doubts`: how
   * many there were when it was asked for; a hint that overtook the reply may be of something newer (F23).
   */
  accept(reply: StorageReply, own?: OwnChange, invalidations = 0): reply is Extract<StorageReply, Answered> {
    if (!('record' in reply)) {
      this.#refuse(reply.type === 'unusable' ? reply.why : `malformed: ${reply.what}`)
      return false
    }
    const { record, reset } = reply
    this.hasOffer = false
    if (this.refused !== undefined) {
      this.refused = undefined
      this.linkChanged()
    }
    if (record.epoch >= this.epoch || reset) {
      this.#set(record)
      this.#revalidated = Math.max(this.#revalidated, invalidations)
      this.leases.recordChanged(record)
      this.#notify((member) => member.applyRecord(record, reset, own?.member === member ? own : undefined))
    }
    return true
  }

  /** The fleet has recovered as far as this process can tell: the record is offered that when it can be reached (F26). */
  offerClosed(attempt: number, by: string): void {
    const { view } = this
    if (!view) return
    const closed: RecordView = {
      state: 'closed',
      epoch: view.epoch + 1,
      remaining: 0,
      attempt,
      reason: 'probeSucceeded',
      by,
      age: 0,
    }
    this.#set(closed)
    this.hasOffer = true
    this.#notify((member) => member.applyRecord(closed, false))
  }

  invalidate(): void {
    if (!this.view) return // it is being asked for, or will be before its next use
    this.invalidations++
    this.#notify((member) => member.invalidate())
  }

  linkChanged(): void {
    this.#notify((member) => member.linkChanged())
  }

  #set(view: RecordView): void {
    this.view = view
    this.#receivedAt = this.time.now()
  }

  #refuse(why: string): void {
    const before = this.refused
    this.refused = why
    this.mayRefresh = false
    startTimer(REFRESH_AFTER, () => (this.mayRefresh = true), false)
    if (before === undefined) this.linkChanged()
  }

  #notify(say: (member: ReplicaFollower) => void): void {
    for (const each of this.#members) {
      const member = each.deref()
      if (member) say(member)
      else this.#members.delete(each)
    }
  }
}
