import { CircuitBreaker } from './breaker.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from './options.ts'
import { warn } from './base/error-sink.ts'
import { checkFunction, positiveInteger, readOptions } from './base/validate.ts'
import { pins, type Circuit } from './core/circuit.ts'
import type { CircuitOptions } from './core/options.ts'

/** The options of a {@link CircuitBreakerRegistry}. */
export interface CircuitBreakerRegistryOptions<K> {
  /**
   * Returns the options of the breaker for a key. Without a `name` the breaker is named after the key.
   *
   * @default () => ({})
   */
  readonly options?: ((key: K) => CircuitBreakerOptions) | undefined
  /**
   * The number of breakers to keep. The registry grows beyond it, to at most twice as many, while it finds no breaker
   * that can be evicted.
   *
   * @default 1_000
   */
  readonly max?: number | undefined
}

/**
 * @internal Notified of every breaker that a registry adds and removes. `removed` may be called for a breaker that is
 *   not known any more.
 */
export interface RegistryFollower {
  added(breaker: CircuitBreaker): void
  removed(breaker: CircuitBreaker): void
}

/** How many breakers are compared to find the one to evict. */
const SAMPLE = 8

/** A member of a circular list, which is O(1) to move. A list is a link that is no entry. */
class Link {
  /** The number of its last use. A registry numbers all uses. */
  used = 0
  previous: Link = this
  next: Link = this

  unlink(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
  }

  /** Moves it before another one, or to the end of a list. */
  moveBefore(next: Link): void {
    this.unlink()
    this.previous = next.previous
    this.next = next
    next.previous = this.previous.next = this
  }
}

/** A breaker of a registry. */
class Entry<K> extends Link {
  readonly key: K
  readonly breaker: CircuitBreaker
  readonly circuit: Circuit
  readonly #options: CircuitOptions
  /** Its index in `#all`. */
  index: number
  /** Whether it is kept because of a manual change. */
  pinned = false
  // The half-open period in which it was last found, and when it was first found in it.
  #period: object | undefined
  #foundAt = 0

  constructor(key: K, breaker: CircuitBreaker, index: number) {
    super()
    this.key = key
    this.breaker = breaker
    this.circuit = CircuitBreaker.circuitOf(breaker)!
    this.#options = this.circuit.options
    this.index = index
  }

  /** The number of consecutive failures. */
  get failures(): number {
    return this.circuit.generation.consecutive
  }

  /** Whether its options have been changed. */
  get configured(): boolean {
    return this.circuit.options !== this.#options
  }

  /** Whether nothing that matters is lost with it, other than failures. May run the user's clock. */
  get expendable(): boolean {
    const { circuit } = this
    const now = circuit.readIfNeeded()
    const { generation, inFlight } = circuit
    if (inFlight > 0 || (this.pinned && this.configured)) return false
    if (now === undefined || generation.state === 'closed') return true
    if (generation.state !== 'half-open') return generation.remaining(now) < -generation.length
    // How long the circuit was open before is not known any more.
    if (this.#period !== generation) {
      this.#period = generation
      this.#foundAt = now
    }
    return now - this.#foundAt > circuit.options.probeTimeout
  }
}

/**
 * Keeps one breaker per key, such as a host, tenant or model.
 *
 * When it is full, each new key evicts a breaker: of a sample of 8, the one with the fewest consecutive failures, and
 * of several the least recently used one. A breaker can be evicted if it has no calls in flight and is closed, or if
 * its open time ended longer ago than it lasted. If the sample has no such breaker, the registry grows and emits one
 * process warning. It never exceeds twice its `max`: there the least recently used breaker goes, whatever its state.
 *
 * A breaker that was opened, isolated or configured by hand is pinned: it stays. A manual `close` or `halfOpen` unpins
 * it, unless it was configured. There are at most `max` pins: the oldest one gives way. What `options` returns pins
 * nothing, and neither does a change that arrives from a fleet, because the storage keeps it.
 *
 * Code that holds a reference to an evicted breaker can continue to use it.
 *
 * @throws {TypeError | RangeError} for an invalid option.
 *
 * @example
 * ```ts
 * import { CircuitBreakerRegistry } from 'recloser'
 *
 * const hosts = new CircuitBreakerRegistry({ options: (host: string) => ({ name: host, failMax: 3 }) })
 * const answer = await hosts.get('api.example.com').call(() => 'fine')
 * console.log(answer, hosts.size) // fine 1
 * ```
 */
export class CircuitBreakerRegistry<K = string> implements Iterable<[key: K, breaker: CircuitBreaker]> {
  readonly #options: (key: K) => CircuitBreakerOptions
  readonly #max: number
  readonly #entries = new Map<K, Entry<K>>()
  // The same in no order, to take samples from.
  readonly #all: Entry<K>[] = []
  // Each entry is in one of two lists. In this one the least recently used comes first,
  readonly #unpinned = new Link()
  // and in this one the oldest pin.
  readonly #pinned = new Link()
  #pins = 0
  readonly #listeners = new Set<CircuitBreakerListener>()
  readonly #followers = new Set<RegistryFollower>()
  #newest: CircuitBreaker | undefined
  #newestKey: K | undefined
  #uses = 0
  // A pseudorandom number, which selects the next of a sample.
  #random = 1
  #warned = false

  /** @internal Notifies `follower` of all present breakers, then of every change. Returns a function that stops it. */
  static follow<K>(registry: CircuitBreakerRegistry<K>, follower: RegistryFollower): () => void {
    registry.#followers.add(follower)
    for (const entry of registry.#inOrder()) registry.#announce(entry, follower)
    return () => registry.#followers.delete(follower)
  }

  constructor(options: CircuitBreakerRegistryOptions<K> = {}) {
    const given = readOptions<CircuitBreakerRegistryOptions<K>>(
      options,
      { options: checkFunction, max: positiveInteger },
      'registry options',
    )
    this.#options = given.options ?? (() => ({}))
    this.#max = given.max ?? 1_000
  }

  /** The number of breakers. */
  get size(): number {
    return this.#all.length
  }

  /**
   * Returns the breaker for `key`, and creates it if necessary.
   *
   * @throws what `options(key)` throws.
   * @throws {TypeError | RangeError} if `options(key)` returns invalid options.
   */
  get(key: K): CircuitBreaker {
    if (this.#newest && key === this.#newestKey) return this.#newest
    const entry = this.#entries.get(key)
    return entry ? this.#use(entry, key) : this.#create(key)
  }

  /** Whether there is a breaker for `key`. This does not count as a use of it. */
  has(key: K): boolean {
    return this.#entries.has(key)
  }

  /**
   * Removes the breaker for `key`, whatever its state. Code that holds a reference to it can continue to use it.
   *
   * @returns whether there was one.
   */
  delete(key: K): boolean {
    const entry = this.#entries.get(key)
    if (entry) this.#remove(entry)
    return entry !== undefined
  }

  /**
   * Iterates over the keys and breakers, the least recently used first. Those that are added after the iteration began
   * are left out, and so are those that are removed before their turn.
   */
  *[Symbol.iterator](): IterableIterator<[key: K, breaker: CircuitBreaker]> {
    for (const { key, breaker } of this.#inOrder()) yield [key, breaker]
  }

  /**
   * Adds a listener to all breakers, including those that are created later.
   *
   * @returns a Disposable that removes the listener.
   * @throws {TypeError} if `listener` has no listener method, or one whose name is misspelled.
   */
  addListener(listener: CircuitBreakerListener): Disposable {
    checkListener(listener, 'listener')
    this.#listeners.add(listener)
    for (const { breaker } of this.#all) breaker.addListener(listener)
    return { [Symbol.dispose]: () => this.removeListener(listener) }
  }

  /** Removes a listener from all breakers. */
  removeListener(listener: CircuitBreakerListener): void {
    this.#listeners.delete(listener)
    for (const { breaker } of this.#all) breaker.removeListener(listener)
  }

  #has(entry: Entry<K>): boolean {
    return this.#all[entry.index] === entry
  }

  *#inOrder(): Iterable<Entry<K>> {
    for (const entry of this.#all.toSorted((a, b) => a.used - b.used)) if (this.#has(entry)) yield entry
  }

  #use(entry: Entry<K>, key: K): CircuitBreaker {
    entry.used = ++this.#uses
    if (!entry.pinned) entry.moveBefore(this.#unpinned)
    // Not the equal `entry.key`: the same string compares faster.
    this.#newestKey = key
    return (this.#newest = entry.breaker)
  }

  #create(key: K): CircuitBreaker {
    const options = readCircuitOptions(this.#options(key))
    // Not every key has a text.
    const breaker = new CircuitBreaker({ ...options, name: options.name ?? String(key) })
    for (const listener of this.#listeners) breaker.addListener(listener)
    this.#makeRoom()
    // User code has run, such as clocks. It may have asked for the same key.
    const known = this.#entries.get(key)
    if (known) return this.#use(known, key)
    const entry = new Entry(key, breaker, this.#all.length)
    pins.set(entry.circuit, () => this.#pin(entry))
    this.#all.push(entry)
    this.#entries.set(key, entry)
    this.#use(entry, key)
    for (const follower of this.#followers) this.#announce(entry, follower)
    return breaker
  }

  #announce(entry: Entry<K>, follower: RegistryFollower): void {
    follower.added(entry.breaker)
    // A follower reads the clock, and the user's clock may have removed the breaker before the follower knew it.
    if (!this.#has(entry)) follower.removed(entry.breaker)
  }

  #remove(entry: Entry<K>): void {
    const { key, breaker, circuit, index } = entry
    const last = this.#all.pop()!
    if (last !== entry) this.#all[(last.index = index)] = last
    this.#entries.delete(key)
    entry.unlink()
    if (entry.pinned) this.#pins--
    // Code that still holds the breaker would otherwise keep all that were its neighbors in memory.
    pins.delete(circuit)
    this.#newest = undefined
    for (const follower of this.#followers) follower.removed(breaker)
  }

  // Bounds

  /** Makes room for one more breaker. */
  #makeRoom(): void {
    const max = this.#max
    if (this.size > max) this.#evict()
    if (this.size >= max) this.#evict()
    // There are at most `max` pins. No user code runs before the new breaker is in the registry.
    while (this.size >= 2 * max) this.#remove(this.#unpinned.next as Entry<K>)
    if (this.size < max || this.#warned) return
    this.#warned = true
    warn(`A CircuitBreakerRegistry grows beyond its max of ${max}: its breakers are open, pinned or in use`)
  }

  /** Evicts the best of a sample, if any can be evicted. */
  #evict(): void {
    const all = this.#all
    const sample: Entry<K>[] = []
    for (let i = 0; i < SAMPLE && i < all.length; i++) {
      if (all.length > SAMPLE) this.#random = (this.#random * 16_807) % 2_147_483_647
      sample.push(all[(this.#random + i) % all.length]!)
    }
    // Without failures, the order of use is the best. With failures it is the worst: when more keys fail in turn than
    // there is room for, each would be evicted before its next call, and none would ever open.
    const { next } = this.#unpinned
    if (next instanceof Entry && next.failures === 0) sample.push(next as Entry<K>)
    let best: Entry<K> | undefined
    for (const entry of sample) {
      if (entry.expendable && (!best || compare(entry, best) < 0)) best = entry
    }
    // The user's clock may have used the registry.
    if (best && this.#has(best)) this.#remove(best)
  }

  /** Pins or unpins a breaker after a manual change. */
  #pin(entry: Entry<K>): void {
    const state = entry.circuit.state()
    // The user's clock may have removed it.
    if (!this.#has(entry)) return
    this.#move(entry, entry.configured || state === 'open' || state === 'isolated')
    if (this.#pins > this.#max) this.#move(this.#pinned.next as Entry<K>, false)
  }

  #move(entry: Entry<K>, pinned: boolean): void {
    if (entry.pinned === pinned) return
    entry.pinned = pinned
    this.#pins += pinned ? 1 : -1
    const to = pinned ? this.#pinned : this.#unpinned
    // Keeps the order of use where that is O(1).
    entry.moveBefore(!pinned && entry.used < to.next.used ? to.next : to)
  }
}

/** Compares by consecutive failures, then by the last use. */
function compare(a: Entry<unknown>, b: Entry<unknown>): number {
  return a.failures - b.failures || a.used - b.used
}
