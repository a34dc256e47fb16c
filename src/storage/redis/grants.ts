import type { AcquireCommand } from '../contract/commands.ts'

/** One acquire that has not been answered. */
export interface Asked {
  readonly name: string
  readonly command: AcquireCommand
  /** It was asked again: who did has the lease. */
  superseded: boolean
}

/**
 * The acquires that are not answered yet. A grant that arrives by a connection that has been replaced is given back
 * (F27), unless the process has asked for the same lease again: then it may be in use.
 */
export class Grants {
  readonly #asked = new Map<string, Asked>()

  ask(name: string, command: AcquireCommand): Asked {
    const asked = { name, command, superseded: false }
    const key = keyOf(asked)
    const before = this.#asked.get(key)
    if (before) before.superseded = true
    this.#asked.set(key, asked)
    return asked
  }

  forget(asked: Asked): void {
    if (!asked.superseded) this.#asked.delete(keyOf(asked))
  }
}

// A nonce has no space.
const keyOf = ({ name, command }: Asked): string => `${command.nonce} ${name}`
