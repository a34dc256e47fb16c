import { limited } from '../../src/storage/limited.ts'
import {
  CircuitBreakerStorage,
  MemoryStorage,
  StorageUnavailableError,
  type AcquireCommand,
  type AcquireReply,
  type ChangeCommand,
  type ChangeReply,
  type ExchangeCommand,
  type ExchangeReply,
  type SettleCommand,
  type SettleReply,
  type StorageHint,
  type StorageLimits,
} from '../../src/storage/index.ts'
import { pass } from './virtual-time.ts'

type Listener = (hint: StorageHint) => void

/** What becomes of what is sent to the store. */
export type Way = 'up' | 'refusing' | 'hanging'

/** Milliseconds that the server takes for one command; it does one at a time. */
export const SERVICE = 0.02
/** Milliseconds of the network, one way: usually, and once in a hundred. */
export const USUAL_LATENCY = 1
export const SLOW_LATENCY = 20
const SLOW_SHARE = 0.01
/** Subscribers are back within this time of the store's return. */
const RECONNECT = 1_000

/** One server, on the reducer that is the specification, at the other end of a network. */
export class Store {
  way: Way = 'up'
  /** Milliseconds from a request to its reply, the longest so far. */
  longestReply = 0
  readonly #memory = new MemoryStorage()
  readonly #listeners = new Set<Listener>()
  readonly #count: () => void
  #free = 0

  /** `count` is called for each request that a process sends, whatever becomes of it. */
  constructor(count: () => void) {
    this.#count = count
    void this.#memory.subscribe((hint) => {
      if (this.way === 'up') for (const listener of this.#listeners) this.#tell(listener, hint, latency())
    })
  }

  /** From now on it answers again, and says so to all who had subscribed. */
  comeBack(): void {
    this.way = 'up'
    for (const listener of this.#listeners) this.#tell(listener, 'resync', RECONNECT * Math.random())
  }

  async carryOut<Reply>(
    operation: string,
    limits: StorageLimits | undefined,
    run: (memory: MemoryStorage) => Promise<Reply>,
  ): Promise<Reply> {
    this.#count()
    if (this.way === 'hanging') return limited(operation, () => new Promise(() => {}), limits)
    const sent = performance.now()
    await pass(latency())
    if (this.way !== 'up') throw new StorageUnavailableError('The store refuses connections')
    const reply = await run(this.#memory)
    await pass(Math.round(this.#queue()) + latency())
    this.longestReply = Math.max(this.longestReply, performance.now() - sent)
    return reply
  }

  subscribe(listener: Listener, limits: StorageLimits | undefined): Promise<() => void> {
    return this.carryOut('subscribe', limits, () => {
      this.#listeners.add(listener)
      return Promise.resolve(() => void this.#listeners.delete(listener))
    })
  }

  /** How long the server takes to come to a command that arrives now, and through it. */
  #queue(): number {
    const now = performance.now()
    this.#free = Math.max(this.#free, now) + SERVICE
    return this.#free - now
  }

  #tell(listener: Listener, hint: StorageHint, delay: number): void {
    setTimeout(() => {
      if (this.way === 'up' && this.#listeners.has(listener)) listener(hint)
    }, delay)
  }
}

/** The store as one process has it: a link, a schedule and a replica of its own. */
export class RemoteStorage extends CircuitBreakerStorage {
  readonly #store: Store

  constructor(store: Store) {
    super()
    this.#store = store
  }

  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply> {
    return this.#store.carryOut('exchange', limits, (memory) => memory.exchange(name, command))
  }

  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    return this.#store.carryOut('acquire', limits, (memory) => memory.acquire(name, command))
  }

  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply> {
    return this.#store.carryOut('settle', limits, (memory) => memory.settle(name, command))
  }

  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply> {
    return this.#store.carryOut('change', limits, (memory) => memory.change(name, command))
  }

  subscribe(listener: Listener, limits?: StorageLimits): Promise<() => void> {
    return this.#store.subscribe(listener, limits)
  }
}

function latency(): number {
  return Math.random() < SLOW_SHARE ? SLOW_LATENCY : USUAL_LATENCY
}
