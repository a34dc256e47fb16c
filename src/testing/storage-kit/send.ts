import type { StorageCommand } from '../../storage/contract/commands.ts'
import type { ReplyTo, StorageLimits } from '../../storage/contract/operations.ts'
import type { StorageReply } from '../../storage/contract/replies.ts'
import type { CircuitBreakerStorage } from '../../storage/storage.ts'

/** Sends a command with the storage's method for its type. */
export function send<Command extends StorageCommand>(
  storage: CircuitBreakerStorage,
  name: string,
  command: Command,
  limits?: StorageLimits,
): Promise<ReplyTo<Command>>
export function send(
  storage: CircuitBreakerStorage,
  name: string,
  command: StorageCommand,
  limits?: StorageLimits,
): Promise<StorageReply> {
  if (command.type === 'exchange') return storage.exchange(name, command, limits)
  if (command.type === 'acquire') return storage.acquire(name, command, limits)
  if (command.type === 'settle') return storage.settle(name, command, limits)
  return storage.change(name, command, limits)
}
