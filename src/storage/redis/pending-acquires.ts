import type { AcquireCommand } from '../contract/commands.ts'

/** An acquire that has not been answered. */
export interface PendingAcquire {
  readonly name: string
  readonly command: AcquireCommand
  /** The same lease has been requested again: it belongs to the newer request. */
  superseded: boolean
}

/**
 * The acquires that have not been answered. A lease that is granted over a replaced connection is given back (F27),
 * unless the process has requested it again: then it may be in use.
 */
export class PendingAcquires {
  readonly #pending = new Map<string, PendingAcquire>()

  add(name: string, command: AcquireCommand): PendingAcquire {
    const pending = { name, command, superseded: false }
    const key = keyOf(pending)
    const previous = this.#pending.get(key)
    if (previous) previous.superseded = true
    this.#pending.set(key, pending)
    return pending
  }

  remove(pending: PendingAcquire): void {
    if (!pending.superseded) this.#pending.delete(keyOf(pending))
  }
}

// Unambiguous, because a nonce contains no space.
const keyOf = ({ name, command }: PendingAcquire): string => `${command.nonce} ${name}`
