import type { MonotonicTime } from '../base/clock.ts'
import type { Sender } from '../storage/contract/commands.ts'
import { DAY, LONGEST_DECAY, NO_MANUAL } from '../storage/contract/limits.ts'
import type { Health } from '../storage/contract/health.ts'
import type { StorageOperations } from '../storage/contract/operations.ts'
import type { Answered, RecordView, StorageReply } from '../storage/contract/replies.ts'
import { newNonce } from './identity.ts'
import { Leases } from './leases.ts'
import { Link } from './link.ts'
import { Usability } from './usability.ts'

/** A change that a member made itself, and that the reply confirms. */
export interface OwnChange {
  readonly member: ReplicaFollower
  /** The error of the failure that opened the circuit. */
  readonly cause?: Error | undefined
}

/** A breaker that follows a replica. */
export interface ReplicaFollower {
  /** Applies a newer view. `reset`: its epoch may be lower (F12). `own`: the follower made the change itself. */
  applyRecord(view: RecordView, reset: boolean, own?: OwnChange): void
  linkChanged(): void
  /** Called when the replica may have become stale. */
  invalidate(): void
}

/** The replies that show that the store accepts writes. */
const WRITTEN: ReadonlySet<StorageReply['type']> = new Set(['granted', 'settled', 'changed'])

/**
 * This process's copy of the record of one name. Only replies change it, and a close that a breaker reached by itself
 * while the store was away (F26).
 */
export class Replica {
  readonly name: string
  readonly link: Link
  readonly time: MonotonicTime
  readonly leases: Leases
  view: RecordView | undefined
  /** The number of times that the replica may have become stale. */
  invalidations = 1
  /** The number of replies that had a record. */
  replies = 0
  /** Whether the replica holds a close that the record has not been offered yet (F26). */
  hasOffer = false
  /** Whether a manual change has been sent whose reply has not arrived: the record may have made it. */
  mayHaveChanged = false
  /** The number of manual changes, by as many breakers of this process, that the record has not received yet. */
  unsentManual = 0
  #receivedAt = 0
  // The number of invalidations that a later reply has covered.
  #revalidated = 0
  // Only once the record could not be used, which is rare.
  #usability: Usability | undefined
  // Mostly one.
  #members: readonly WeakRef<ReplicaFollower>[] = []
  // Identifies this process as the giver of manual changes, and counts them.
  #giver = ''
  #manualChanges = 0

  constructor(name: string, storage: StorageOperations, health: Health, time: MonotonicTime) {
    this.name = name
    this.link = new Link(storage, health, this)
    this.time = time
    this.leases = new Leases(this)
  }

  join(member: ReplicaFollower): void {
    this.#members = [...this.#members, new WeakRef(member)]
  }

  get epoch(): number {
    return this.view?.epoch ?? 0
  }

  /** Whether the record may have changed since the last reply. */
  get stale(): boolean {
    return this.#revalidated < this.invalidations
  }

  /** Milliseconds since the view was received; `Infinity` without one. */
  get age(): number {
    return this.view ? this.time.now() - this.#receivedAt : Infinity
  }

  /** Whether the record is out of reach or unusable. */
  get degraded(): boolean {
    return this.link.state === 'degraded' || this.unusable !== undefined
  }

  /** The nonce of the next manual change: the record knows by it which of a process's changes is newer (F9b). */
  get nextManualNonce(): string {
    this.#giver ||= newNonce()
    return `${this.#giver}-${++this.#manualChanges}`
  }

  /** Milliseconds since the last manual change: between its epoch and that of the state, and since then (F12). */
  get manualAge(): number {
    const { age = 0, epoch = 0, manual = NO_MANUAL } = this.view ?? {}
    return epoch - manual.epoch + age + this.time.now() - this.#receivedAt
  }

  /** Why the record cannot be used, if it cannot. */
  get unusable(): string | undefined {
    return this.#usability?.problem
  }

  /** Whether the record may be read: one that cannot be used only every 30 s. */
  get mayRefresh(): boolean {
    return this.#usability?.mayTry ?? true
  }

  /** Milliseconds until the opening ends, by our own monotonic clock (F14). */
  get remaining(): number {
    const left = (this.view?.remaining ?? 0) - (this.time.now() - this.#receivedAt)
    return Math.min(DAY, Math.max(0, Math.ceil(left)))
  }

  /** Returns the sender of a command: a reporter, and the state that this replica knows (F12). */
  sender(reporter: string, attemptDecay: number): Sender {
    const { state = 'closed', epoch = 0, attempt = 0, reason = '', by = '' } = this.view ?? {}
    const { manual = NO_MANUAL, ramped = null } = this.view ?? {}
    const passed = this.time.now() - this.#receivedAt
    const decay = Math.min(LONGEST_DECAY, Math.ceil(attemptDecay))
    const decayed = state === 'closed' && decay > 0 ? Math.floor(passed / decay) : 0
    return {
      reporter,
      state,
      epoch,
      remaining: state === 'open' ? this.remaining : 0,
      attempt: Math.max(0, attempt - decayed),
      decay,
      reason,
      by,
      manual,
      ramped: ramped === null ? null : ramped + Math.max(0, Math.floor(passed)),
      ramp: 0,
    }
  }

  /**
   * Takes over the record of a reply, unless a newer one is known, and notifies the members. Returns whether the record
   * is usable. `invalidations`: their number when the command was sent, because a hint that arrived since may concern a
   * newer state (F23). `writes`: whether the command writes if it is executed, where the reply does not say.
   */
  accept(
    reply: StorageReply,
    own?: OwnChange,
    invalidations = 0,
    writes?: boolean,
  ): reply is Extract<StorageReply, Answered> {
    if (!('record' in reply)) {
      this.#usability ??= new Usability(this.time, () => this.linkChanged())
      this.#usability.refused(reply, writes ?? true)
      return false
    }
    const { record, reset } = reply
    this.hasOffer = false
    this.#usability?.executed(writes ?? WRITTEN.has(reply.type))
    this.replies++
    if (record.epoch >= this.epoch || reset) {
      this.#set(record)
      this.#revalidated = Math.max(this.#revalidated, invalidations)
      this.leases.recordChanged(record)
      this.#notify((member) => member.applyRecord(record, reset, own?.member === member ? own : undefined))
    }
    return true
  }

  /** Closes the replica, because a local probe succeeded. The next command offers that to the record (F26). */
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
      manual: view.manual,
      ramped: null,
    }
    this.#set(closed)
    this.hasOffer = true
    this.#notify((member) => member.applyRecord(closed, false))
  }

  /** Notes that hints may have been missed, or that the store can be reached again. */
  resync(): void {
    this.#usability?.writable()
    this.invalidate()
  }

  invalidate(): void {
    if (!this.view) return // the first exchange is under way, or precedes the next use
    this.invalidations++
    this.#notify((member) => member.invalidate())
  }

  linkChanged(): void {
    this.#notify((member) => member.linkChanged())
    if (!this.degraded) this.leases.resume()
  }

  #set(view: RecordView): void {
    this.view = view
    this.#receivedAt = this.time.now()
  }

  #notify(callback: (member: ReplicaFollower) => void): void {
    for (const each of this.#members) {
      const member = each.deref()
      if (member) callback(member)
      else this.#members = this.#members.filter((other) => other !== each)
    }
  }
}
