import type { CircuitBreakerState } from '../base/state.ts'
import type { ManualOptions } from '../core/ports.ts'
import type { Overtaken } from '../events/events.ts'
import type { ChangeCommand, ProbePolicy, Sender } from '../storage/contract/commands.ts'
import { LONGEST_REASON } from '../storage/contract/limits.ts'
import type { ChangeReply } from '../storage/contract/replies.ts'
import { newNonce } from './identity.ts'
import { newManualChange, toCommand, toDuration, toText, type ManualChange } from './manual-changes.ts'
import type { Replica, ReplicaFollower } from './replica.ts'

/** A member that requests changes of the shared state. */
export interface ChangeRequester extends ReplicaFollower {
  readonly sender: Sender
  readonly policy: ProbePolicy
  /** Milliseconds between two exchanges. */
  readonly interval: number
  /** Called when a manual change could not be sent, or was overtaken by another one. */
  emitLink(overtaken?: Overtaken): void
}

/** The manual change that the record has not received yet. */
interface Pending extends ManualChange {
  /** The epoch of the last manual change that was known when this one was given; `undefined` before the first reply. */
  ifManual: number | undefined
  readonly givenAt: number
  /** How many replies there had been when it could not be sent: then there must be another one before it is. */
  after: number | undefined
  /** Whether the store was away since: then the record may have to be healed first. */
  offered: boolean
  /** When it may be sent to such a record. */
  dueAt: number | undefined
  /** While it is sent, the end of that. */
  sending: Promise<void> | undefined
}

/** The changes of the shared state that one member requests: openings once, a manual change until the store replies. */
export class Changes {
  #pending: Pending | undefined
  readonly #replica: Replica
  readonly #requester: ChangeRequester
  // The epoch at which this member is opening the fleet, if it is.
  #opening: number | undefined

  constructor(replica: Replica, requester: ChangeRequester) {
    this.#replica = replica
    this.#requester = requester
  }

  /** The target of the manual change that the record has not received yet, if there is one. */
  get unsent(): CircuitBreakerState | undefined {
    return this.#pending?.to
  }

  /** Whether this member is opening the fleet at the replica's epoch. */
  get isOpening(): boolean {
    return this.#opening === this.#replica.epoch
  }

  /** Opens the fleet, provided that the record is still closed at the replica's epoch (F2). */
  async open(reason: string, openFor: number, cause: Error | undefined): Promise<void> {
    const { epoch: ifEpoch } = this.#replica
    this.#opening = ifEpoch
    const { sender } = this.#requester
    const reply = await this.#send({
      type: 'change',
      to: 'open',
      sender,
      ifEpoch,
      nonce: newNonce(),
      reason: toText(reason, LONGEST_REASON),
      openFor,
    })
    this.#opening = undefined
    const own = { member: this.#requester, cause }
    if (reply) this.#replica.accept(reply, reply.type === 'changed' ? own : undefined)
  }

  /** Makes a manual change: at once if the record is known and in reach. It replaces one that is still unsent (F9). */
  giveManual(to: CircuitBreakerState, given: ManualOptions, openFor: number): void {
    const { view, degraded, time, replies, nextManualNonce } = this.#replica
    const isSent = view !== undefined && !degraded
    if (!this.#pending) this.#replica.unsentManual++
    this.#pending = {
      ...newManualChange(to, given, openFor, nextManualNonce),
      ifManual: view?.manual.epoch,
      givenAt: time.now(),
      after: isSent ? undefined : replies,
      offered: degraded,
      dueAt: undefined,
      sending: undefined,
    }
    if (isSent) void this.sendManual()
    else if (degraded) this.#requester.emitLink()
  }

  /** Sends the manual change, if there is one and its time has come (F9b). */
  async sendManual(): Promise<void> {
    const pending = this.#pending
    if (!pending || !this.#isDue(pending)) return
    pending.sending ??= this.#sendManual(pending).finally(() => void (pending.sending = undefined))
    await pending.sending
  }

  /** Withdraws a change that is still unsent: its time is over, and the fleet is to be in the state that it has. */
  withdraw(to: CircuitBreakerState): void {
    const { state = 'closed' } = this.#replica.view ?? {}
    if (this.#pending && this.#pending.to !== to && state === to) this.#resolve()
  }

  /** Notes that the store is away: a pending change is offered when it is back. */
  linkLost(): void {
    if (this.#pending) this.#pending.offered = true
  }

  async #sendManual(pending: Pending): Promise<void> {
    const { view, time, replies, manualAge } = this.#replica
    // Before the first reply it was given without knowing anything. What was made since is newer.
    const found = manualAge > time.now() - pending.givenAt ? view!.manual.epoch : 0
    const { ifManual = found, to } = pending
    pending.ifManual = ifManual
    const isThere = view!.state === to && (to === 'closed' || to === 'half-open')
    // An opening has been counted down here since it was given.
    const waited = to === 'open' && pending.after !== undefined ? time.now() - pending.givenAt : 0
    const isOver = waited > 0 && waited >= pending.openFor
    if ((isThere || isOver) && !this.#replica.mayHaveChanged && this.#replica.unsentManual === 1) {
      // It would change nothing.
      this.#resolve()
      return this.#requester.applyRecord(view!, false)
    }
    const { sender, policy } = this.#requester
    this.#replica.mayHaveChanged = true
    const openFor = toDuration(pending.openFor - waited)
    const reply = await this.#send(toCommand({ ...pending, openFor }, ifManual, sender, policy))
    if (this.#pending !== pending) return // a later one has replaced it
    if (!reply || !('record' in reply)) {
      pending.after ??= replies
      const wasDegraded = this.#replica.degraded
      if (reply) this.#replica.accept(reply)
      // A change of the link is an event itself, and says what is unsent.
      if (this.#replica.degraded === wasDegraded) this.#requester.emitLink()
      return
    }
    this.#resolve()
    this.#replica.mayHaveChanged = false
    this.#replica.accept(reply)
    if (reply.type !== 'refused' || reply.why !== 'overtaken') return
    const { state, by, manual, reason } = reply.record
    this.#requester.emitLink({ to: state, by, actor: manual.actor, reason })
  }

  /**
   * Whether a manual change may be sent. One that was given before the record was known, or while it was out of reach,
   * waits until the record has been read. And if the store was away, it may have lost the record, or come back with an old
   * one: for two intervals, those that know a newer manual change can heal it first.
   */
  #isDue(pending: Pending): boolean {
    const { time, degraded, replies } = this.#replica
    pending.offered ||= degraded
    if (pending.after === undefined) return true
    if (replies <= pending.after) return false
    const now = time.now()
    pending.dueAt ??= now + (pending.offered ? 2 * this.#requester.interval : 0)
    return now >= pending.dueAt
  }

  #resolve(): void {
    this.#pending = undefined
    this.#replica.unsentManual--
  }

  #send(command: ChangeCommand): Promise<ChangeReply | undefined> {
    const { name, link } = this.#replica
    return link.send('change', (limits) => link.storage.change(name, command, limits))
  }
}
