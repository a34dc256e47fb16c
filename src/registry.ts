import { CircuitBreaker } from './breaker.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from './options.ts'
import { warn } from './base/error-sink.ts'
import { checkFunction, positiveInteger, readOptions } from './base/validate.ts'

/** The options of a {@link CircuitBreakerRegistry}. */
export interface CircuitBreakerRegistryOptions<K> {
  /** The options of the breaker for a key. Its name is the key as a string, if they give none. */
  readonly options?: ((key: K) => CircuitBreakerOptions) | undefined
  /** How many breakers to keep. Default 1,000. */
  readonly max?: number | undefined
}

/** @internal Told of every breaker that a registry gets and loses. */
export interface RegistryFollower {
  added(breaker: CircuitBreaker): void
  removed(breaker: CircuitBreaker): void
}

/**
 * One breaker per key: per host, tenant or model. Bounded: when it is full, the least recently used breaker that is
 * closed and idle makes room. One that is open, half-open, isolated or in use never does; if none can go, the registry
 * grows and says so once.
 *
 * @throws {TypeError | RangeError} for a bad option.
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
  // In the order of use, the least recent first.
  readonly #breakers = new Map<K, CircuitBreaker>()
  readonly #listeners = new Set<CircuitBreakerListener>()
  readonly #followers = new Set<RegistryFollower>()
  #newest: CircuitBreaker | undefined
  #newestKey: K | undefined
  #warned = false

  /** @internal Tells `follower` of the breakers that are there and of all to come and go. Returns what ends it. */
  static follow<K>(registry: CircuitBreakerRegistry<K>, follower: RegistryFollower): () => void {
    registry.#followers.add(follower)
    for (const breaker of registry.#breakers.values()) follower.added(breaker)
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

  /** How many breakers there are. */
  get size(): number {
    return this.#breakers.size
  }

  /**
   * The breaker for `key`, made if there is none.
   *
   * @throws what `options(key)` throws, or the breaker's constructor for what it returns.
   */
  get(key: K): CircuitBreaker {
    if (this.#newest && key === this.#newestKey) return this.#newest
    let breaker = this.#breakers.get(key)
    if (breaker) this.#breakers.delete(key)
    else breaker = this.#create(key)
    this.#breakers.set(key, breaker)
    this.#newest = breaker
    this.#newestKey = key
    return breaker
  }

  /** Whether there is a breaker for `key`. Not a use of it. */
  has(key: K): boolean {
    return this.#breakers.has(key)
  }

  /** Forgets the breaker for `key`, whatever its state. Whoever holds it can go on using it. */
  delete(key: K): boolean {
    const breaker = this.#breakers.get(key)
    if (!breaker) return false
    this.#newest = undefined
    this.#breakers.delete(key)
    for (const follower of this.#followers) follower.removed(breaker)
    return true
  }

  /** The keys and breakers, the least recently used first. */
  [Symbol.iterator](): IterableIterator<[key: K, breaker: CircuitBreaker]> {
    return this.#breakers.entries()
  }

  /** Adds a listener to all breakers, those to come included. Returns what removes it again. */
  addListener(listener: CircuitBreakerListener): Disposable {
    checkListener(listener, 'listener')
    this.#listeners.add(listener)
    for (const breaker of this.#breakers.values()) breaker.addListener(listener)
    return { [Symbol.dispose]: () => this.removeListener(listener) }
  }

  removeListener(listener: CircuitBreakerListener): void {
    this.#listeners.delete(listener)
    for (const breaker of this.#breakers.values()) breaker.removeListener(listener)
  }

  #create(key: K): CircuitBreaker {
    const breaker = new CircuitBreaker({ name: String(key), ...readCircuitOptions(this.#options(key)) })
    for (const listener of this.#listeners) breaker.addListener(listener)
    if (this.#breakers.size >= this.#max) this.#evict()
    for (const follower of this.#followers) follower.added(breaker)
    return breaker
  }

  #evict(): void {
    for (const [key, breaker] of this.#breakers) {
      const { generation, inFlight } = CircuitBreaker.circuitOf(breaker)!
      // Nothing is lost with one that is idle.
      if (generation.state === 'closed' && inFlight === 0) this.delete(key)
      if (this.#breakers.size < this.#max) return
    }
    if (this.#warned) return
    this.#warned = true
    warn(
      `A CircuitBreakerRegistry grows beyond its max of ${this.#max}: none of its breakers is closed and idle`,
    )
  }
}
