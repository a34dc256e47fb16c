import { install, type Clock } from '@sinonjs/fake-timers'
import { CircuitBreaker, type CircuitBreakerOptions } from '../../../../src/index.ts'
import { CircuitBreakerStorage, MemoryStorage } from '../../../../src/storage/index.ts'
import type { BreakerRecord } from '../../../../src/storage/reducer/record.ts'
import { ManualClock } from '../../../../src/testing/index.ts'

const STEP = 5
const EPOCH_BEGIN = 1_700_000_000_000

/** The condition of the connection between a process and the store. */
export type Way = 'up' | 'refusing' | 'hanging' | 'throwing' | 'babbling'

/** The connection of a process to the store. */
class Passage extends CircuitBreakerStorage {
  readonly #process: Process
  readonly #store: MemoryStorage

  constructor(process: Process, store: MemoryStorage) {
    super()
    this.#process = process
    this.#store = store
  }

  exchange(...args: Parameters<MemoryStorage['exchange']>): ReturnType<MemoryStorage['exchange']> {
    return this.#pass('exchange', () => this.#store.exchange(...args))
  }

  acquire(...args: Parameters<MemoryStorage['acquire']>): ReturnType<MemoryStorage['acquire']> {
    return this.#pass('acquire', () => this.#store.acquire(...args))
  }

  settle(...args: Parameters<MemoryStorage['settle']>): ReturnType<MemoryStorage['settle']> {
    return this.#pass('settle', () => this.#store.settle(...args))
  }

  change(...args: Parameters<MemoryStorage['change']>): ReturnType<MemoryStorage['change']> {
    return this.#pass('change', () => this.#store.change(...args))
  }

  subscribe(...args: Parameters<MemoryStorage['subscribe']>): ReturnType<MemoryStorage['subscribe']> {
    const [listener] = args
    this.#process.resync = () => listener('resync')
    return this.#pass('subscribe', () => this.#store.subscribe(...args))
  }

  #pass<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const { sent, way } = this.#process
    sent.push(operation)
    if (way === 'throwing') throw new Error('store: thrown')
    if (way === 'refusing') return Promise.reject(new Error('store: refused'))
    if (way === 'babbling') return Promise.resolve({ type: 'exchanged', record: { epoch: 9 } } as T)
    if (way === 'hanging') return new Promise(() => {})
    return this.#process.travel(run)
  }
}

/** A process with its own connection to the store, and the operations that it has sent. */
export class Process {
  way: Way = 'up'
  /** Milliseconds before the store performs an operation. */
  replyTime = 0
  /** Milliseconds that a reply takes once the store has performed the operation. */
  answerTime = 0
  /** The greatest number of concurrent operations so far. */
  most = 0
  readonly sent: string[] = []
  /** Sends the hint that the subscription is back. */
  resync = (): void => {}
  #travelling = 0
  readonly storage: CircuitBreakerStorage
  readonly #world: World

  constructor(world: World) {
    this.#world = world
    this.storage = new Passage(this, world.store)
  }

  /** Creates a breaker in this process. */
  breaker(options: CircuitBreakerOptions = {}): CircuitBreaker {
    const { clock } = this.#world
    return new CircuitBreaker({ name: 'payments', storage: this.storage, clock, failMax: 3, ...options })
  }

  /** Performs an operation on the store, with the delays of this process. */
  async travel<T>(run: () => Promise<T>): Promise<T> {
    const { replyTime, answerTime } = this
    this.most = Math.max(this.most, ++this.#travelling)
    try {
      if (replyTime > 0) await sleep(replyTime)
      const answer = await run()
      if (answerTime > 0) await sleep(answerTime)
      return answer
    } finally {
      this.#travelling--
    }
  }

  count(operation: string): number {
    return this.sent.filter((each) => each === operation).length
  }
}

/** A store and its processes, in a time that passes only by `pass`. */
export class World {
  readonly clock = new ManualClock(1_000)
  readonly wall = new ManualClock(EPOCH_BEGIN)
  readonly store: MemoryStorage = new MemoryStorage({ clock: this.wall })
  readonly #timers: Clock = install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })

  process(): Process {
    return new Process(this)
  }

  /** Creates `size` processes, each on its own host and with one breaker. */
  fleet(size: number, options: CircuitBreakerOptions = {}): CircuitBreaker[] {
    return Array.from({ length: size }, (_, i) =>
      this.process().breaker({ reporter: `host-${i}`, ...options }),
    )
  }

  async pass(duration: number, most = STEP): Promise<void> {
    await settled()
    for (let left = duration; left > 0; left -= most) {
      const step = Math.min(most, left)
      this.clock.advance(step)
      this.wall.advance(step)
      this.#timers.tick(step)
      await settled()
    }
  }

  record(name = 'payments'): BreakerRecord {
    return this.store.peek(name) as BreakerRecord
  }

  /** The number of pending timers. */
  get timers(): number {
    return this.#timers.countTimers()
  }

  end(): void {
    this.#timers.uninstall()
  }
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** Resolves once everything has happened that takes no time. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** Returns a test function that runs `body` in a world of its own. */
export function inWorld(body: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    const world = new World()
    try {
      await body(world)
    } finally {
      world.end()
    }
  }
}

/** Makes calls that fail, and handles their errors. */
export async function failing(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) {
    await breaker.call(() => Promise.reject(new Error('down'))).catch(() => {})
  }
}

/** Makes calls that succeed. */
export async function working(breaker: CircuitBreaker, times = 1): Promise<void> {
  for (let i = 0; i < times; i++) await breaker.call(() => Promise.resolve('fine'))
}
