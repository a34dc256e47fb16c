import { onMicrotask } from '../base/microtask.ts'
import type { Clock } from '../base/clock.ts'
import { renderError, warn } from '../base/error-sink.ts'
import { aClock, checkFunction, readOptions } from '../base/validate.ts'
import { withLimits } from './contract/with-limits.ts'
import { reduce } from './reducer/reduce.ts'
import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from './contract/commands.ts'
import type { ReplyTo, StorageHint, StorageLimits } from './contract/operations.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply } from './contract/replies.ts'
import { CircuitBreakerStorage } from './storage.ts'

/** One operation on a storage, as a fault hook receives it. */
export type StorageOperation =
  | { readonly type: 'subscribe' }
  | { readonly type: StorageCommand['type']; readonly name: string; readonly command: StorageCommand }

/**
 * Faults to inject into a {@link MemoryStorage} in tests: hooks that run for each operation. A hook that throws or
 * rejects makes the operation reject. A promise that it returns delays the operation, up to its deadline.
 */
export interface StorageFaults {
  /**
   * Runs before an operation is executed. If it throws, the request is lost.
   *
   * @default no fault
   */
  readonly before?: ((operation: StorageOperation) => unknown) | undefined
  /**
   * Runs after an operation has been executed. If it throws, the reply is lost.
   *
   * @default no fault
   */
  readonly after?: ((operation: StorageOperation) => unknown) | undefined
}

/** The options of a {@link MemoryStorage}. */
export interface MemoryStorageOptions {
  /**
   * The store's own clock, in milliseconds.
   *
   * @default `Date.now()`
   */
  readonly clock?: Clock | undefined
  /**
   * Faults to inject, for tests.
   *
   * @default no faults
   */
  readonly faults?: StorageFaults | undefined
}

interface Entry {
  readonly stored: unknown
  /** When the entry expires, by the store's clock in milliseconds. */
  readonly expiresAt: number
}

const WALL_CLOCK: Clock = { now: () => Date.now() }

// Every this many writes, expired entries are evicted, so that no timer is needed.
const SWEEP_EVERY = 1_000

/**
 * A storage in the memory of this process, for tests and for breakers of one process that share their state. Executes
 * each command with `reduce`. Starts no timers, except for the deadline of an operation that a fault hook delays.
 *
 * @throws {TypeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { MemoryStorage } from 'recloser/storage'
 *
 * const storage = new MemoryStorage()
 * const reads = new CircuitBreaker({ name: 'payments', storage })
 * const writes = new CircuitBreaker({ name: 'payments', storage })
 * reads.isolate('maintenance')
 * await reads.flush()
 * console.log(writes.state) // isolated
 * ```
 */
export class MemoryStorage extends CircuitBreakerStorage {
  readonly #entries = new Map<string, Entry>()
  readonly #listeners = new Set<(hint: StorageHint) => void>()
  readonly #clock: Clock
  readonly #faults: StorageFaults
  #writes = 0

  constructor(options: MemoryStorageOptions = {}) {
    super()
    const { clock = WALL_CLOCK, faults = {} } = readOptions<MemoryStorageOptions>(
      options,
      {
        clock: aClock,
        faults: (value, name) =>
          readOptions<StorageFaults>(
            value,
            { before: checkFunction, after: checkFunction },
            name,
            `${name}.`,
          ),
      },
      'options of MemoryStorage',
    )
    this.#clock = clock
    this.#faults = faults
  }

  /** Adds counts to the pool and returns its sums (F2–F6). */
  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply> {
    return this.#execute('exchange', name, command, limits)
  }

  /** Requests a lease to send one probe (F17–F21). */
  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    return this.#execute('acquire', name, command, limits)
  }

  /** Settles a lease with the outcome of its probe (F17, F18). */
  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply> {
    return this.#execute('settle', name, command, limits)
  }

  /** Changes the state of the fleet (F2, F9). */
  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply> {
    return this.#execute('change', name, command, limits)
  }

  /** Subscribes to the transitions of all processes, except those to half-open (F23). */
  subscribe(listener: (hint: StorageHint) => void, limits?: StorageLimits): Promise<() => void> {
    // A wrapper per subscription, so that the same function may subscribe twice.
    const subscriber = (hint: StorageHint): void => listener(hint)
    const unsubscribe = (): void => void this.#listeners.delete(subscriber)
    const subscribe = (): (() => void) => {
      this.#listeners.add(subscriber)
      return unsubscribe
    }
    return withLimits('subscribe', () => this.#withFaults({ type: 'subscribe' }, subscribe), limits)
  }

  /** Returns what is stored under a name, or `undefined` if nothing is. */
  peek(name: string): unknown {
    return this.#find(name, this.#clock.now())
  }

  /** Stores any value under a name, for tests with unusable records. */
  plant(name: string, stored: unknown): void {
    this.#entries.set(name, { stored, expiresAt: Infinity })
  }

  /** Deletes all records, like a server that has lost its data. */
  clear(): void {
    this.#entries.clear()
  }

  /** Sends `'resync'` to all subscribers, as a storage does after a lost connection. */
  resync(): void {
    this.#publish('resync')
  }

  #execute<Command extends StorageCommand>(
    type: Command['type'],
    name: string,
    command: Command,
    limits: StorageLimits | undefined,
  ): Promise<ReplyTo<Command>> {
    const run = (): ReplyTo<Command> => this.#reduce(name, command)
    return withLimits(type, () => this.#withFaults({ type, name, command }, run), limits)
  }

  #withFaults<T>(operation: StorageOperation, run: () => T): T | Promise<T> {
    const { before, after } = this.#faults
    if (!before && !after) return run()
    const execute = async (): Promise<T> => {
      await before?.(operation)
      const result = run()
      await after?.(operation)
      return result
    }
    return execute()
  }

  #reduce<Command extends StorageCommand>(name: string, command: Command): ReplyTo<Command> {
    const now = Math.floor(this.#clock.now())
    const { record, reply, ttl, publish } = reduce(this.#find(name, now), command, now)
    if (ttl !== undefined) {
      this.#entries.set(name, { stored: record, expiresAt: now + ttl })
      if (++this.#writes % SWEEP_EVERY === 0) this.#sweep(now)
    }
    if (publish !== undefined) this.#publish({ name, epoch: publish })
    return reply
  }

  #find(name: string, now: number): unknown {
    const entry = this.#entries.get(name)
    return entry && now < entry.expiresAt ? entry.stored : undefined
  }

  #sweep(now: number): void {
    for (const [name, { expiresAt }] of this.#entries) if (now >= expiresAt) this.#entries.delete(name)
  }

  /** Notifies listeners in a microtask, so that none runs in the middle of a command. */
  #publish(hint: StorageHint): void {
    for (const listener of this.#listeners) {
      onMicrotask(() => {
        if (!this.#listeners.has(listener)) return
        try {
          listener(hint)
        } catch (error) {
          warn(`a subscriber of MemoryStorage threw: ${renderError(error)}`)
        }
      })
    }
  }
}
