import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from './commands.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply, StorageReply } from './replies.ts'

/** The reply that a command gets. */
export type ReplyTo<Command extends StorageCommand> = Command extends ExchangeCommand
  ? ExchangeReply
  : Command extends AcquireCommand
    ? AcquireReply
    : Command extends SettleCommand
      ? SettleReply
      : ChangeReply

const ALWAYS: readonly StorageReply['type'][] = ['unusable', 'malformed']

/** Which replies answer which command. */
export const REPLIES: Readonly<Record<StorageCommand['type'], readonly StorageReply['type'][]>> = {
  exchange: ['exchanged', ...ALWAYS],
  acquire: ['granted', 'denied', ...ALWAYS],
  settle: ['settled', 'late', ...ALWAYS],
  change: ['changed', 'refused', ...ALWAYS],
}

/** The limits of one operation. */
export interface StorageLimits {
  /** Milliseconds after which the operation rejects with a `StorageDeadlineError`. Default none. */
  readonly deadline?: number | undefined
  /** Rejects the operation with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/**
 * What a subscriber hears (F23): the record of this name has moved to this epoch, or `'resync'`: the store is there again
 * and something may have been missed, so every replica is stale. A hint only: nothing but a reply changes a replica.
 */
export type StorageHint = { readonly name: string; readonly epoch: number } | 'resync'

/** What a storage can be asked for: `CircuitBreakerStorage` says what each operation does. */
export interface StorageOperations {
  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply>
  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply>
  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply>
  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply>
  subscribe(
    listener: (hint: StorageHint) => void,
    limits?: StorageLimits,
  ): Promise<() => Promise<void> | void>
}
