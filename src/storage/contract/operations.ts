import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from './commands.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply, StorageReply } from './replies.ts'

/** The type of the reply to a command. */
export type ReplyTo<Command extends StorageCommand> = Command extends ExchangeCommand
  ? ExchangeReply
  : Command extends AcquireCommand
    ? AcquireReply
    : Command extends SettleCommand
      ? SettleReply
      : ChangeReply

const ALWAYS: readonly StorageReply['type'][] = ['unusable', 'malformed']

/** The types of reply that each command may get. */
export const REPLIES: Readonly<Record<StorageCommand['type'], readonly StorageReply['type'][]>> = {
  exchange: ['exchanged', ...ALWAYS],
  acquire: ['granted', 'denied', ...ALWAYS],
  settle: ['settled', 'late', ...ALWAYS],
  change: ['changed', 'refused', ...ALWAYS],
}

/** The limits of one operation. */
export interface StorageLimits {
  /**
   * Milliseconds after which the operation rejects with a `StorageDeadlineError`.
   *
   * @default no deadline, or the storage's own
   */
  readonly deadline?: number | undefined
  /**
   * A signal that rejects the operation with its reason when it aborts.
   *
   * @default no signal
   */
  readonly signal?: AbortSignal | undefined
}

/**
 * A hint to subscribers: the record of `name`, as `recordName` returns it, has moved to `epoch`, or, with `'resync'`, hints may have been missed, so
 * that every replica may be stale. A hint only prompts an exchange, and changes no replica itself (F23).
 */
export type StorageHint = { readonly name: string; readonly epoch: number } | 'resync'

/** The operations of a storage. `CircuitBreakerStorage` documents each of them. */
export interface StorageOperations {
  /** Adds counts to the pool and returns its sums (F2–F6). */
  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply>
  /** Requests a lease to send one probe (F17–F21). */
  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply>
  /** Settles a lease with the outcome of its probe (F17, F18). */
  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply>
  /** Changes the state of the fleet (F2, F9). */
  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply>
  /** Subscribes to the transitions of all processes, except those to half-open (F23). */
  subscribe(
    listener: (hint: StorageHint) => void,
    limits?: StorageLimits,
  ): Promise<() => Promise<void> | void>
  /** Returns the name that hints use for a breaker's record. */
  recordName(name: string): string
}
