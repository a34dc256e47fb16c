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
} from '../../src/storage/index.ts'
import { pass } from './virtual-time.ts'

type Listener = (hint: StorageHint) => void

/** How the store treats requests. */
export type Way = 'up' | 'refusing' | 'hanging'

/** Milliseconds that the server takes for one command; it runs one at a time. */
export const SERVICE = 0.03
/** Milliseconds that the server takes to push a hint to one subscriber. */
export const PUSH = 0.01
/** One-way network latency in milliseconds: usually, and for one message in a hundred. */
export const USUAL_LATENCY = 1
export const SLOW_LATENCY = 20
const SLOW_SHARE = 0.01
/** Milliseconds after the store's return within which all subscribers have reconnected. */
const RECONNECT = 1_000

/** A single server, running on the reducer that serves as the specification, at the other end of a network. */
export class Store {
  way: Way = 'up'
  /** Milliseconds from a request to its reply; the maximum so far. */
  longestReply = 0
  readonly #memory = new MemoryStorage()
  readonly #listeners = new Set<Listener>()
  readonly #count: () => void
  // When the server will have processed everything that has arrived.
  #freeAt = 0

  /** @param count called for each request that a process sends, whatever happens to it. */
  constructor(count: () => void) {
    this.#count = count
    void this.#memory.subscribe((hint) => this.#push(hint))
  }

  /** Makes the store answer again, and notifies all subscribers. */
  comeBack(): void {
    this.way = 'up'
    for (const listener of this.#listeners) this.#tell(listener, 'resync', RECONNECT * Math.random())
  }

  /** Carries out the request of a process. Deadlines are up to the caller. */
  async carryOut<Reply>(run: (memory: MemoryStorage) => Promise<Reply>): Promise<Reply> {
    this.#count()
    const sent = performance.now()
    await pass(latency())
    if (this.way === 'refusing') throw new StorageUnavailableError('The store refuses connections')
    if (this.way === 'hanging') await never()
    const wait = Math.round(this.#occupy(SERVICE))
    if (wait > 0) await pass(wait)
    const reply = await run(this.#memory)
    await pass(latency())
    this.longestReply = Math.max(this.longestReply, performance.now() - sent)
    return reply
  }

  subscribe(listener: Listener): Promise<() => void> {
    return this.carryOut(() => {
      this.#listeners.add(listener)
      return Promise.resolve(() => void this.#listeners.delete(listener))
    })
  }

  #push(hint: StorageHint): void {
    for (const listener of this.#listeners) this.#tell(listener, hint, this.#occupy(PUSH) + latency())
  }

  #tell(listener: Listener, hint: StorageHint, delay: number): void {
    setTimeout(() => {
      if (this.way === 'up' && this.#listeners.has(listener)) listener(hint)
    }, Math.round(delay))
  }

  /** Adds work for the server after everything that is queued. Returns the milliseconds until it is done. */
  #occupy(duration: number): number {
    const now = performance.now()
    this.#freeAt = Math.max(this.#freeAt, now) + duration
    return this.#freeAt - now
  }
}

/** The store as one process sees it: with its own link, exchange schedule and replica. */
export class RemoteStorage extends CircuitBreakerStorage {
  readonly #store: Store

  constructor(store: Store) {
    super()
    this.#store = store
  }

  exchange(name: string, command: ExchangeCommand): Promise<ExchangeReply> {
    return this.#store.carryOut((memory) => memory.exchange(name, command))
  }

  acquire(name: string, command: AcquireCommand): Promise<AcquireReply> {
    return this.#store.carryOut((memory) => memory.acquire(name, command))
  }

  settle(name: string, command: SettleCommand): Promise<SettleReply> {
    return this.#store.carryOut((memory) => memory.settle(name, command))
  }

  change(name: string, command: ChangeCommand): Promise<ChangeReply> {
    return this.#store.carryOut((memory) => memory.change(name, command))
  }

  subscribe(listener: Listener): Promise<() => void> {
    return this.#store.subscribe(listener)
  }
}

function latency(): number {
  return Math.random() < SLOW_SHARE ? SLOW_LATENCY : USUAL_LATENCY
}

function never(): Promise<never> {
  return new Promise(() => {})
}
