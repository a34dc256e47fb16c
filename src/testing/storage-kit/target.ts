import type { CircuitBreakerStorage } from '../../storage/storage.ts'

/** A store that is put to the test. What is left out leaves out the cases that need it. */
export interface StorageTarget {
  /**
   * A new connection to the store, always the same store. Cases open several, and dispose of those that have a
   * `Symbol.asyncDispose`.
   */
  connect(): CircuitBreakerStorage | Promise<CircuitBreakerStorage>
  /** Loses all data. */
  clear(): void | Promise<void>
  /** Sets the store's own clock, in milliseconds; it stands still otherwise. */
  readonly setTime?: ((now: number) => void | Promise<void>) | undefined
  /** Stores under a breaker's name what is no usable record (F16). */
  readonly plant?: ((name: string, what: 'foreign' | 'newer' | 'corrupt') => void | Promise<void>) | undefined
  /** Makes the store answer nobody, until the function that it returns is called. */
  readonly hang?: (() => (() => void | Promise<void>) | Promise<() => void | Promise<void>>) | undefined
}

/** One case: `run` rejects with an `Error` that says what was expected. */
export interface StorageCase {
  /** A sentence, with the rule that it shows. */
  readonly name: string
  readonly run: () => Promise<void>
}

/** What a case is given: a store that is empty, and whose clock, if it can be set, shows `START`. */
export interface Stage {
  readonly target: StorageTarget
  /** The connection that most cases need. */
  readonly storage: CircuitBreakerStorage
  connect(): Promise<CircuitBreakerStorage>
}

/** When cases begin, by a clock that can be set. */
export const START = 1_800_000_000_000

/** The breaker of most cases. Its name is one that some stores have to encode. */
export const NAME = 'payments {eu}: ü\n'

export function stagedCase(
  target: StorageTarget,
  name: string,
  play: (stage: Stage) => Promise<void>,
): StorageCase {
  const run = async (): Promise<void> => {
    const connections: CircuitBreakerStorage[] = []
    const connect = async (): Promise<CircuitBreakerStorage> => {
      const storage = await target.connect()
      connections.push(storage)
      return storage
    }
    try {
      await target.clear()
      await target.setTime?.(START)
      await play({ target, connect, storage: await connect() })
    } finally {
      for (const storage of connections) await (storage as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.()
    }
  }
  return { name, run }
}
