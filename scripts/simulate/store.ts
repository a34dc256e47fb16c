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

/** What becomes of what is sent to the store. */
export type Way = 'up' | 'refusing' | 'hanging'

/** Milliseconds that the server takes for one command; it does one at a time. */
export const SERVICE = 0.03
/** Milliseconds that it takes to push a hint to one subscriber. */
export const PUSH = 0.01
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
  // When the server has done all that has arrived.
  #free = 0

  /** `count` is called for each request that a process sends, whatever becomes of it. */
  constructor(count: () => void) {
    this.#count = count
    void this.#memory.subscribe((hint) => this.#push(hint))
  }

  /** From now on it answers again, and says so to all who had subscribed. */
  comeBack(): void {
    this.way = 'up'
    for (const listener of this.#listeners) this.#tell(listener, 'resync', RECONNECT * Math.random())
  }

  /** Carries out what a process asks for. Deadlines are the business of who asks. */
  async carryOut<Reply>(run: (memory: MemoryStorage) => Promise<Reply>): Promise<Reply> {
    this.#count()
    const sent = performance.now()
    await pass(latency())
    if (this.way === 'refusing') throw new StorageUnavailableError('The store refuses connections')
    if (this.way === 'hanging') await forEver()
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

  /** Keeps the server busy after all that it has to do already. Returns in how many milliseconds that is done. */
  #occupy(duration: number): number {
    const now = performance.now()
    this.#free = Math.max(this.#free, now) + duration
    return this.#free - now
  }
}

/** The store as one process has it: a link, a schedule and a replica of its own. */
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

function forEver(): Promise<never> {
  return new Promise(() => {})
}
