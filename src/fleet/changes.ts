import type { CircuitBreakerState } from '../base/state.ts'
import type { ChangeCommand, ProbePolicy, Sender } from '../storage/contract/commands.ts'
import type { ChangeReply } from '../storage/contract/replies.ts'
import { newNonce } from './identity.ts'
import { newOrder, toCommand, toReason, type Order } from './orders.ts'
import type { Own, Replica, ReplicaFollower } from './replica.ts'

/** Who asks for changes. */
export interface Changer extends ReplicaFollower {
  readonly sender: Sender
  readonly policy: ProbePolicy
  /** An order could not be sent: it is offered again when the link is back. */
  unsent(): void
}

/** The changes of the shared state that one member asks for: each opening at most once, an order until it is heard. */
export class Changes {
  /** What was done by hand here, and is on its way there. */
  order: Order | undefined
  readonly #replica: Replica
  readonly #changer: Changer
  // The epoch at which it is opening the fleet, if it is.
  #opening: number | undefined

  constructor(replica: Replica, changer: Changer) {
    this.#replica = replica
    this.#changer = changer
  }

  /** Whether this member is opening the fleet as it knows it. */
  get isOpening(): boolean {
    return this.#opening === this.#replica.epoch
  }

  /** Opens the fleet, if it is still what this member thinks it is (F2). */
  async open(why: string, openFor: number, cause: unknown): Promise<void> {
    const { epoch: ifEpoch } = this.#replica
    this.#opening = ifEpoch
    const { sender } = this.#changer
    const reply = await this.#send({
      type: 'change',
      to: 'open',
      sender,
      ifEpoch,
      nonce: newNonce(),
      reason: toReason(why),
      openFor,
    })
    this.#opening = undefined
    this.#heed(reply, { member: this.#changer, to: 'open', cause })
  }

  /** Gives an order, which replaces one that has not been heard (F9). */
  give(to: CircuitBreakerState, reason: string, openFor: number): void {
    this.order = newOrder(to, reason, openFor)
  }

  /** Sends the order, if there is one. */
  async send(): Promise<void> {
    const { order } = this
    if (!order) return
    const { sender, policy } = this.#changer
    const reply = await this.#send(toCommand(order, sender, policy))
    if (this.order !== order) return // a newer one is on its way
    if (!reply) return this.#changer.unsent()
    this.order = undefined
    this.#heed(reply, { member: this.#changer, to: order.to })
  }

  #send(command: ChangeCommand): Promise<ChangeReply | undefined> {
    const { name, link } = this.#replica
    return link.send('change', (limits) => link.storage.change(name, command, limits))
  }

  #heed(reply: ChangeReply | undefined, own: Own): void {
    if (reply) this.#replica.take(reply, reply.type === 'changed' ? own : undefined)
  }
}
