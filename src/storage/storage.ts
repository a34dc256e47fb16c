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
import { Health } from './contract/health.ts'
import type { StorageHint, StorageLimits, StorageOperations } from './contract/operations.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply } from './contract/replies.ts'

/**
 * The base class of storages, in which the breakers of many processes share one record per name. Each command is atomic
 * and does what `reduce` specifies; the conformance kit in `recloser/testing` compares an implementation with it.
 *
 * An operation rejects only when the store is unavailable or does not answer in time. An unusable record and an invalid
 * command are replies. The store may still execute an operation that was abandoned.
 *
 * It is a class rather than an interface because it carries the fleet code that its breakers need, so that applications
 * without a storage do not load that code.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerStorage, reduce, type ReplyTo, type StorageCommand } from 'recloser/storage'
 *
 * // In one process only. A real storage also expires its records and sends hints.
 * class MapStorage extends CircuitBreakerStorage {
 *   readonly #records = new Map<string, unknown>()
 *   exchange = this.#execute
 *   acquire = this.#execute
 *   settle = this.#execute
 *   change = this.#execute
 *
 *   async subscribe() {
 *     return () => {}
 *   }
 *
 *   async #execute<Command extends StorageCommand>(name: string, command: Command): Promise<ReplyTo<Command>> {
 *     const { record, reply } = reduce(this.#records.get(name), command, Date.now())
 *     this.#records.set(name, record)
 *     return reply
 *   }
 * }
 *
 * const breaker = new CircuitBreaker({ name: 'payments', storage: new MapStorage() })
 * breaker.isolate('maintenance')
 * await breaker.flush()
 * console.log(breaker.snapshot().fleet?.reason) // maintenance
 * ```
 */
export abstract class CircuitBreakerStorage implements StorageOperations {
  readonly #fleets: Fleets

  /** @internal */
  constructor(health: Health = new Health()) {
    this.#fleets = new Fleets(this, health)
  }

  /** Adds counts to the pool and returns its sums (F2–F6). */
  abstract exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply>
  /** Requests a lease to send one probe (F17–F21). */
  abstract acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply>
  /** Settles a lease with the outcome of its probe (F17, F18). */
  abstract settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply>
  /** Changes the state of the fleet (F2, F9). */
  abstract change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply>
  /**
   * Subscribes to the transitions of all processes, except those to half-open (F23). Once hints can arrive, resolves to
   * a function that ends the subscription.
   */
  abstract subscribe(
    listener: (hint: StorageHint) => void,
    limits?: StorageLimits,
  ): Promise<() => Promise<void> | void>

  /**
   * Returns the name that hints use for a breaker's record: the breaker's name, unless the storage overrides this
   * because its hints carry another form of it.
   */
  recordName(name: string): string {
    return name
  }

  /** @internal Validates the fleet options of a breaker, and fills in their defaults. */
  resolve(given: SharingOptions, trip: TripRule): MemberOptions {
    return resolveMemberOptions(given, trip)
  }

  /** @internal Makes a breaker a member of the fleet of its name. */
  join(circuit: SharedCircuit): Member {
    return new Member(circuit, this.#fleets)
  }
}
