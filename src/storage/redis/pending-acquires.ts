import type { AcquireCommand } from '../contract/commands.ts'

/** One acquire that has not been answered. */
export interface PendingAcquire {
  readonly name: string
  readonly command: AcquireCommand
  /** It was asked again: who did has the lease. */
  superseded: boolean
}

/**
 * The acquires that are not answered yet. A grant that arrives by a connection that has been replaced is given back
 * (F27), unless the process has asked for the same lease again: then it may be in use.
 */
export class PendingAcquires {
  readonly #pending = new Map<string, PendingAcquire>()

  add(name: string, command: AcquireCommand): PendingAcquire {
    const asked = { name, command, superseded: false }
    const key = keyOf(asked)
    const before = this.#pending.get(key)
    if (before) before.superseded = true
    this.#pending.set(key, asked)
    return asked
  }

  remove(asked: PendingAcquire): void {
    if (!asked.superseded) this.#pending.delete(keyOf(asked))
  }
}

// A nonce has no space.
const keyOf = ({ name, command }: PendingAcquire): string => `${command.nonce} ${name}`
