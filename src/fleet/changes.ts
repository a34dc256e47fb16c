import type { CircuitBreakerState } from '../base/state.ts'
import type { ChangeCommand, ProbePolicy, Sender } from '../storage/contract/commands.ts'
import type { ChangeReply } from '../storage/contract/replies.ts'
import { newNonce } from './identity.ts'
import { newManualChange, toCommand, toReason, type ManualChange } from './manual-changes.ts'
import type { OwnChange, Replica, ReplicaFollower } from './replica.ts'

/** A member that requests changes of the shared state. */
export interface ChangeRequester extends ReplicaFollower {
  readonly sender: Sender
  readonly policy: ProbePolicy
  /** Called when a manual change could not be sent. It is retried when the link is back. */
  emitLink(): void
}

/** The changes of the shared state that one member requests: openings once, a manual change until the store replies. */
export class Changes {
  /** The manual change that the record has not received yet. */
  manual: ManualChange | undefined
  readonly #replica: Replica
  readonly #requester: ChangeRequester
  // The epoch at which this member is opening the fleet, if it is.
  #opening: number | undefined

  constructor(replica: Replica, requester: ChangeRequester) {
    this.#replica = replica
    this.#requester = requester
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
      reason: toReason(reason),
      openFor,
    })
    this.#opening = undefined
    this.#applyReply(reply, { member: this.#requester, to: 'open', cause })
  }

  /** Sets the manual change to send. It replaces one that has not been received (F9). */
  setManual(to: CircuitBreakerState, reason: string, openFor: number): void {
    this.manual = newManualChange(to, reason, openFor)
  }

  /** Sends the manual change, if there is one. */
  async sendManual(): Promise<void> {
    const { manual } = this
    if (!manual) return
    const { sender, policy } = this.#requester
    const reply = await this.#send(toCommand(manual, sender, policy))
    if (this.manual !== manual) return // a newer one has replaced it
    if (!reply) return this.#requester.emitLink()
    this.manual = undefined
    this.#applyReply(reply, { member: this.#requester, to: manual.to })
  }

  #send(command: ChangeCommand): Promise<ChangeReply | undefined> {
    const { name, link } = this.#replica
    return link.send('change', (limits) => link.storage.change(name, command, limits))
  }

  #applyReply(reply: ChangeReply | undefined, own: OwnChange): void {
    if (reply) this.#replica.accept(reply, reply.type === 'changed' ? own : undefined)
  }
}
