import { CircuitBreaker } from './breaker.ts'
import { checkListener, type CircuitBreakerListener } from './listener.ts'
import { readCircuitOptions, type CircuitBreakerOptions } from './options.ts'
import { warn } from './base/error-sink.ts'
import { checkFunction, positiveInteger, readOptions } from './base/validate.ts'

/** The options of a {@link CircuitBreakerRegistry}. */
export interface CircuitBreakerRegistryOptions<K> {
  /**
   * Returns the options of the breaker for a key. Without a `name` the breaker is named after the key.
   *
   * @default () => ({})
   */
  readonly options?: ((key: K) => CircuitBreakerOptions) | undefined
  /**
   * The number of breakers to keep. The registry grows beyond it only if no breaker can be evicted.
   *
   * @default 1_000
   */
  readonly max?: number | undefined
}

/** @internal Notified of every breaker that a registry adds and removes. */
export interface RegistryFollower {
  added(breaker: CircuitBreaker): void
  removed(breaker: CircuitBreaker): void
}

/**
 * Keeps one breaker per key, such as a host, tenant or model. When it is full, it evicts the least recently used
 * breaker that is closed and has no calls in flight. If there is none, the registry grows and emits one process
 * warning.
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
  // The least recently used first.
  readonly #breakers = new Map<K, CircuitBreaker>()
  readonly #listeners = new Set<CircuitBreakerListener>()
  readonly #followers = new Set<RegistryFollower>()
  #newest: CircuitBreaker | undefined
  #newestKey: K | undefined
  #warned = false

  /** @internal Notifies `follower` of all present breakers, then of every change. Returns a function that stops it. */
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

  /** The number of breakers. */
  get size(): number {
    return this.#breakers.size
  }

  /**
   * Returns the breaker for `key`, and creates it if necessary.
   *
   * @throws what `options(key)` throws.
   * @throws {TypeError | RangeError} if `options(key)` returns invalid options.
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

  /** Whether there is a breaker for `key`. This does not count as a use of it. */
  has(key: K): boolean {
    return this.#breakers.has(key)
  }

  /**
   * Removes the breaker for `key`, whatever its state. Code that holds a reference to it can continue to use it.
   *
   * @returns whether there was one.
   */
  delete(key: K): boolean {
    const breaker = this.#breakers.get(key)
    if (!breaker) return false
    this.#newest = undefined
    this.#breakers.delete(key)
    for (const follower of this.#followers) follower.removed(breaker)
    return true
  }

  /** Iterates over the keys and breakers, the least recently used first. */
  [Symbol.iterator](): IterableIterator<[key: K, breaker: CircuitBreaker]> {
    return this.#breakers.entries()
  }

  /**
   * Adds a listener to all breakers, including those that are created later.
   *
   * @returns a Disposable that removes the listener.
   * @throws {TypeError} if `listener` has no listener method.
   */
  addListener(listener: CircuitBreakerListener): Disposable {
    checkListener(listener, 'listener')
    this.#listeners.add(listener)
    for (const breaker of this.#breakers.values()) breaker.addListener(listener)
    return { [Symbol.dispose]: () => this.removeListener(listener) }
  }

  /** Removes a listener from all breakers. */
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
