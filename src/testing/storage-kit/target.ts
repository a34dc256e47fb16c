import type { CircuitBreakerStorage } from '../../storage/storage.ts'

/** A store under test. Leaving out an optional member leaves out the cases that need it. */
export interface StorageTarget {
  /**
   * Returns a new connection to the store, always the same store. Cases open several, and dispose of each that has a
   * `Symbol.asyncDispose` method.
   */
  connect(): CircuitBreakerStorage | Promise<CircuitBreakerStorage>
  /** Deletes all data of the store. */
  clear(): void | Promise<void>
  /**
   * Sets the store's own clock, in milliseconds. The clock must not advance by itself.
   *
   * @default none, which leaves out the cases that set the clock
   */
  readonly setTime?: ((now: number) => void | Promise<void>) | undefined
  /**
   * Stores an unusable record of the given kind under a breaker's name (F16).
   *
   * @default none, which leaves out the cases with unusable records
   */
  readonly plant?: ((name: string, what: 'foreign' | 'newer' | 'corrupt') => void | Promise<void>) | undefined
  /**
   * Makes the store stop answering. Returns a function that makes it answer again.
   *
   * @default none, which leaves out the cases with missed deadlines
   */
  readonly hang?: (() => (() => void | Promise<void>) | Promise<() => void | Promise<void>>) | undefined
}

/** One case of the conformance kit. */
export interface StorageCase {
  /** The name of the case: a sentence, mostly with the rules that it tests. */
  readonly name: string
  /** Runs the case. Rejects with an `Error` that has the expected and the actual result. */
  readonly run: () => Promise<void>
}

/** The set-up of a case: an empty store, whose clock is at `START` if it can be set. */
export interface Stage {
  readonly target: StorageTarget
  /** The connection that most cases need. */
  readonly storage: CircuitBreakerStorage
  /** Opens another connection, which is disposed of after the case. */
  connect(): Promise<CircuitBreakerStorage>
}

/** The time at which cases begin, for a store whose clock can be set. */
export const START = 1_800_000_000_000

/** The breaker of most cases, with a name that some stores must encode. */
export const NAME = 'payments {eu}: ü\n'

/** Returns a case that sets up the store, runs `play`, and disposes of the connections. */
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
