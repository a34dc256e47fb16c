import { Fleets } from '../fleet/fleets.ts'
import { Member } from '../fleet/member.ts'
import {
  resolveMemberOptions,
  type MemberOptions,
  type SharedCircuit,
  type SharingOptions,
} from '../fleet/options.ts'
import type { TripRule } from '../trip/rule.ts'
import type { AcquireCommand, ChangeCommand, ExchangeCommand, SettleCommand } from './contract/commands.ts'
import type { StorageHint, StorageLimits, StorageOperations } from './contract/operations.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply } from './contract/replies.ts'

/**
 * Where breakers of many processes keep one record per name. Each command is atomic, and does what `reduce` does: that
 * function is the specification, and the conformance kit in `recloser/testing` compares an implementation with it.
 *
 * An operation rejects only when the store cannot be asked or does not answer in time; whatever the record holds and
 * however wrong the command is, that is a reply. An operation that has been given up may still happen.
 *
 * It is a class and not an interface because a storage brings all that a breaker needs to be a member of a fleet: a
 * breaker without one does not carry that code.
 */
export abstract class CircuitBreakerStorage implements StorageOperations {
  readonly #fleets: Fleets = new Fleets(this)

  /** Adds counts to the pool and reads its sums (F2–F6). */
  abstract exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply>
  /** Asks for leave to send one probe (F17–F21). */
  abstract acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply>
  /** Tells how a probe ended (F17, F18). */
  abstract settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply>
  /** Changes the state of the fleet (F2, F9). */
  abstract change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply>
  /**
   * Hears of transitions, other processes' and one's own, but for those into half-open (F23). Resolves once hints can
   * arrive; the function that it resolves to ends the subscription.
   */
  abstract subscribe(
    listener: (hint: StorageHint) => void,
    limits?: StorageLimits,
  ): Promise<() => Promise<void> | void>

  /** @internal Fills in what concerns the fleet in the options of a breaker. */
  resolve(given: SharingOptions, trip: TripRule): MemberOptions {
    return resolveMemberOptions(given, trip)
  }

  /** @internal Makes a breaker a member of the fleet of its name. */
  join(circuit: SharedCircuit): Member {
    return new Member(circuit, this.#fleets)
  }
}
