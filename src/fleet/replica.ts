import type { MonotonicTime } from '../base/clock.ts'
import type { Sender } from '../storage/contract/commands.ts'
import { DAY, LONGEST_DECAY } from '../storage/contract/limits.ts'
import type { Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import type { CircuitBreakerState } from '../base/state.ts'
import { startTimer } from '../base/timer.ts'
import { Grants } from './grants.ts'
import type { Link } from './link.ts'

/** What a member did that a reply answers. */
export interface Own {
  readonly member: ReplicaFollower
  readonly to: CircuitBreakerState
  /** The failure that made it open. */
  readonly cause?: unknown
}

/** A breaker that goes by a replica. */
export interface ReplicaFollower {
  hear(view: RecordView, reset: boolean, own?: Own): void
  linkChanged(): void
  /** The replica may be out of date. */
  doubt(): void
}

/** After a record that could not be used, it is looked at again (F16). */
const LOOK_AGAIN = 30_000

/** The record of one name, as this process last heard of it. Only replies change it. */
export class Replica {
  readonly name: string
  readonly link: Link
  readonly time: MonotonicTime
  readonly grants: Grants
  view: RecordView | undefined
  /** How often something may have happened. */
  doubts = 1
  /** Why the record cannot be used, if it cannot. */
  refused: string | undefined
  /** Whether it is time to look at it again. */
  mayLook = true
  /** Whether it has a state that the record is to be offered. */
  offers = false
  #heardAt = 0
  // How many doubts a reply has settled.
  #settled = 0
  readonly #members = new Set<WeakRef<ReplicaFollower>>()

  constructor(name: string, link: Link, time: MonotonicTime) {
    this.name = name
    this.link = link
    this.time = time
    this.grants = new Grants(this)
  }

  join(member: ReplicaFollower): void {
    this.#members.add(new WeakRef(member))
  }

  get epoch(): number {
    return this.view?.epoch ?? 0
  }

  /** Something may have happened that has not been heard of. */
  get stale(): boolean {
    return this.#settled < this.doubts
  }

  /** Milliseconds since it was last heard of. */
  get age(): number {
    return this.view ? this.time.now() - this.#heardAt : Infinity
  }

  /** Whether there is no fleet to go by. */
  get alone(): boolean {
    return this.link.state === 'degraded' || this.refused !== undefined
  }

  /** Milliseconds that are left of an opening, by our own monotonic clock (F14). */
  get remaining(): number {
    const left = (this.view?.remaining ?? 0) - (this.time.now() - this.#heardAt)
    return Math.min(DAY, Math.max(0, Math.ceil(left)))
  }

  /** What a command says of its sender (F12). */
  sender(reporter: string, attemptDecay: number): Sender {
    const { state = 'closed', epoch = 0, attempt = 0, reason = '', by = '' } = this.view ?? {}
    const decay = Math.min(LONGEST_DECAY, Math.ceil(attemptDecay))
    const forgotten =
      state === 'closed' && decay > 0 ? Math.floor((this.time.now() - this.#heardAt) / decay) : 0
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
  take(reply: StorageReply, own?: Own, doubts = 0): reply is Extract<StorageReply, Answered> {
    if (!('record' in reply)) {
      this.#refuse(reply.type === 'unusable' ? reply.why : `malformed: ${reply.what}`)
      return false
    }
    const { record, reset } = reply
    this.offers = false
    if (this.refused !== undefined) {
      this.refused = undefined
      this.linkChanged()
    }
    if (record.epoch >= this.epoch || reset) {
      this.#set(record)
      this.#settled = Math.max(this.#settled, doubts)
      this.grants.hear(record)
      this.#tell((member) => member.hear(record, reset, own?.member === member ? own : undefined))
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
    this.offers = true
    this.#tell((member) => member.hear(closed, false))
  }

  doubt(): void {
    if (!this.view) return // it is being asked for, or will be before its next use
    this.doubts++
    this.#tell((member) => member.doubt())
  }

  linkChanged(): void {
    this.#tell((member) => member.linkChanged())
  }

  #set(view: RecordView): void {
    this.view = view
    this.#heardAt = this.time.now()
  }

  #refuse(why: string): void {
    const before = this.refused
    this.refused = why
    this.mayLook = false
    startTimer(LOOK_AGAIN, () => (this.mayLook = true), false)
    if (before === undefined) this.linkChanged()
  }

  #tell(say: (member: ReplicaFollower) => void): void {
    for (const each of this.#members) {
      const member = each.deref()
      if (member) say(member)
      else this.#members.delete(each)
    }
  }
}
