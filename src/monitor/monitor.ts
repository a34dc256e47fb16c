import { CircuitBreaker } from '../breaker.ts'
import type { OpenOptions, TransitionOptions } from '../core/control.ts'
import { CircuitBreakerRegistry } from '../registry.ts'
import {
  anAbortSignal,
  aString,
  check,
  isObject,
  positiveInteger,
  readOptions,
  type Check,
} from '../base/validate.ts'
import { EventLog } from './events.ts'
import { healthOf, worst } from './health.ts'
import { Ids } from './ids.ts'
import type {
  BreakerReport,
  BreakerTotals,
  Health,
  HealthReport,
  MonitorEvent,
  MonitorSnapshot,
  SnapshotOptions,
  Transition,
} from './report.ts'
import { Ring } from './ring.ts'
import { HISTORY_BUCKETS } from './time-buckets.ts'
import { Watched } from './watched.ts'

/** The options of a {@link CircuitBreakerMonitor}. */
export interface CircuitBreakerMonitorOptions {
  /**
   * How many transitions to keep, across all breakers.
   *
   * @default 1_000
   */
  readonly transitions?: number | undefined
}

/** The options of {@link CircuitBreakerMonitor.events}. */
export interface EventsOptions {
  /**
   * Ends the iteration when it aborts.
   *
   * @default none: only leaving the loop ends the iteration
   */
  readonly signal?: AbortSignal | undefined
  /**
   * How many events may wait for the consumer before the oldest are dropped.
   *
   * @default 1_000
   */
  readonly limit?: number | undefined
}

/** @internal Notified when a monitor starts or stops watching a breaker. */
export interface MonitorFollower {
  added(id: string, breaker: CircuitBreaker): void
  removed(id: string): void
}

/**
 * Observes and controls any number of breakers and registries.
 *
 * A breaker that is not watched pays nothing. Each call of a watched breaker is timed and counted, in memory of a fixed
 * size: about 2 kB per breaker, and 17 kB more once it is called. A monitor uses no timers.
 *
 * @throws {TypeError | RangeError} when an option is invalid.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { CircuitBreakerMonitor } from 'recloser/monitor'
 *
 * const payments = new CircuitBreaker({ name: 'payments' })
 * const monitor = new CircuitBreakerMonitor()
 * monitor.watch(payments)
 * await payments.call(() => 'paid')
 *
 * for (const { id, state, recent } of monitor.snapshot().breakers) {
 *   console.log(id, state, recent.success) // payments closed 1
 * }
 * monitor.isolate('payments', 'maintenance')
 * console.log(monitor.health) // down
 * ```
 */
export class CircuitBreakerMonitor {
  // In the order in which the breakers were first watched.
  readonly #watched = new Map<string, Watched>()
  readonly #byBreaker = new Map<CircuitBreaker, Watched>()
  readonly #ids = new Ids()
  readonly #registries = new Map<object, () => void>()
  readonly #transitions: Ring<Transition>
  readonly #events = new EventLog()
  readonly #followers = new Set<MonitorFollower>()

  /**
   * @internal Notifies `follower` of the breakers that are watched now and of every change from now on. Returns a
   *   function that stops this.
   */
  static follow(monitor: CircuitBreakerMonitor, follower: MonitorFollower): () => void {
    monitor.#followers.add(follower)
    for (const { id, breaker } of monitor.#watched.values()) follower.added(id, breaker)
    return () => monitor.#followers.delete(follower)
  }

  constructor(options: CircuitBreakerMonitorOptions = {}) {
    const { transitions = 1_000 } = readOptions<CircuitBreakerMonitorOptions>(
      options,
      { transitions: positiveInteger },
      'monitor options',
    )
    this.#transitions = new Ring(transitions)
  }

  /**
   * Watches a breaker, or all current and future breakers of a registry. Watching a target again has no effect, and a
   * breaker that is watched both directly and through a registry is counted once.
   *
   * @returns a Disposable that stops watching `target`.
   * @throws {TypeError} when `target` is neither, or comes from another copy of this package.
   */
  watch<K>(target: CircuitBreaker | CircuitBreakerRegistry<K>): Disposable {
    if (target instanceof CircuitBreakerRegistry) this.#follow(target)
    else {
      checkBreaker(target)
      this.#add(target, target)
    }
    return { [Symbol.dispose]: () => void this.unwatch(target) }
  }

  /**
   * Stops watching a breaker or a registry. A breaker stays watched if it is also watched through another target.
   *
   * @returns whether `target` was watched.
   * @throws {TypeError} when `target` is neither, or comes from another copy of this package.
   */
  unwatch<K>(target: CircuitBreaker | CircuitBreakerRegistry<K>): boolean {
    if (!(target instanceof CircuitBreakerRegistry)) {
      checkBreaker(target)
      return this.#release(target, target)
    }
    const stop = this.#registries.get(target)
    this.#registries.delete(target)
    stop?.()
    return stop !== undefined
  }

  /** Returns whether a breaker with this id is watched. */
  has(id: string): boolean {
    return this.#watched.has(id)
  }

  /**
   * Returns a snapshot of all watched breakers.
   *
   * @throws {TypeError | RangeError} when an option is invalid.
   */
  snapshot(options: SnapshotOptions = {}): MonitorSnapshot {
    const seconds = readHistory(options)
    const breakers: BreakerReport[] = []
    for (const watched of this.#watched.values()) breakers.push(watched.report(seconds))
    const health = worst(breakers.map((each) => each.health))
    return { version: 1, takenAt: Date.now(), health, breakers }
  }

  /**
   * Returns a report on one breaker; `undefined` if no watched breaker has this id.
   *
   * @throws {TypeError | RangeError} when an option is invalid.
   */
  report(id: string, options: SnapshotOptions = {}): BreakerReport | undefined {
    return this.#watched.get(id)?.report(readHistory(options))
  }

  /** Returns the metrics of all watched breakers, for an exporter. */
  totals(): readonly BreakerTotals[] {
    return Array.from(this.#watched.values(), (watched) => watched.totals)
  }

  /** The worst health of all watched breakers; `'up'` if there are none. */
  get health(): Health {
    return worst(
      Array.from(this.#byBreaker.keys(), (breaker) => healthOf(CircuitBreaker.circuitOf(breaker)!.state())),
    )
  }

  /** Returns the body of a health-check response. */
  healthReport(): HealthReport {
    const breakers = Array.from(this.#watched.values(), ({ id, breaker }) => {
      const { state, tripReason, retryAfter } = CircuitBreaker.circuitOf(breaker)!.snapshot()
      return [id, { status: healthOf(state), state, reason: tripReason, retryAfter }] as const
    })
    return { status: worst(breakers.map(([, { status }]) => status)), breakers: Object.fromEntries(breakers) }
  }

  /** The last transitions of all breakers, oldest first. Those of breakers that are no longer watched are included. */
  get transitions(): readonly Transition[] {
    return this.#transitions.newest
  }

  /**
   * Returns an async iterator over the events from now on. Each call returns an independent iterator, which ends when
   * `signal` aborts or the loop is left.
   *
   * A consumer that is too slow loses the oldest events; a `dropped` event then says how many.
   *
   * @throws {TypeError | RangeError} when an option is invalid.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   * import { CircuitBreakerMonitor } from 'recloser/monitor'
   *
   * const monitor = new CircuitBreakerMonitor()
   * monitor.watch(new CircuitBreaker({ name: 'payments' }))
   * const events = monitor.events()
   * monitor.isolate('payments', 'maintenance')
   * for await (const event of events) {
   *   if (event.type === 'transition') console.log(event.transition.to, event.transition.reason) // isolated maintenance
   *   break
   * }
   * ```
   */
  events(options: EventsOptions = {}): AsyncIterableIterator<MonitorEvent> {
    const { signal, limit = 1_000 } = readOptions<EventsOptions>(
      options,
      { signal: anAbortSignal, limit: positiveInteger },
      'events options',
    )
    return this.#events.read(limit, signal)
  }

  /**
   * Opens a breaker manually, as its `open` does.
   *
   * @returns whether the state changed.
   * @throws {RangeError} when no watched breaker has this id.
   * @throws {TypeError | RangeError} when an option is invalid.
   */
  open(id: string, options?: OpenOptions): boolean {
    return CircuitBreaker.prototype.open.call(this.#find(id), options)
  }

  /**
   * Makes a breaker half-open manually, as its `halfOpen` does.
   *
   * @returns whether the state changed.
   * @throws {RangeError} when no watched breaker has this id.
   * @throws {TypeError} when `id` is not a string, or an option is invalid.
   */
  halfOpen(id: string, reason?: string | TransitionOptions): boolean {
    return CircuitBreaker.prototype.halfOpen.call(this.#find(id), reason)
  }

  /**
   * Closes a breaker manually, as its `close` does.
   *
   * @returns whether the state changed.
   * @throws {RangeError} when no watched breaker has this id.
   * @throws {TypeError} when `id` is not a string, or an option is invalid.
   */
  close(id: string, reason?: string | TransitionOptions): boolean {
    return CircuitBreaker.prototype.close.call(this.#find(id), reason)
  }

  /**
   * Isolates a breaker manually, as its `isolate` does.
   *
   * @returns whether the state changed.
   * @throws {RangeError} when no watched breaker has this id.
   * @throws {TypeError} when `id` is not a string, or an option is invalid.
   */
  isolate(id: string, reason?: string | TransitionOptions): boolean {
    return CircuitBreaker.prototype.isolate.call(this.#find(id), reason)
  }

  #find(id: string): CircuitBreaker {
    aString(id, 'id')
    const watched = this.#watched.get(id)
    if (watched) return watched.breaker
    const got = JSON.stringify(id.slice(0, 60))
    throw new RangeError(`Expected \`id\` to be the id of a watched breaker, got \`${got}\``)
  }

  #follow<K>(registry: CircuitBreakerRegistry<K>): void {
    if (this.#registries.has(registry)) return
    const stop = CircuitBreakerRegistry.follow(registry, {
      added: (breaker) => this.#add(breaker, registry),
      removed: (breaker) => void this.#release(breaker, registry),
    })
    this.#registries.set(registry, () => {
      stop()
      for (const [, breaker] of registry) this.#release(breaker, registry)
    })
  }

  #add(breaker: CircuitBreaker, source: object): void {
    const known = this.#byBreaker.get(breaker)
    const watched =
      known ??
      new Watched(this.#ids.take(CircuitBreaker.circuitOf(breaker)!.options.name), breaker, this.#publish)
    watched.sources.add(source)
    if (known) return
    this.#watched.set(watched.id, watched)
    this.#byBreaker.set(breaker, watched)
    this.#events.push({ type: 'watched', id: watched.id })
    for (const follower of this.#followers) follower.added(watched.id, breaker)
  }

  #release(breaker: CircuitBreaker, source: object): boolean {
    const watched = this.#byBreaker.get(breaker)
    if (!watched?.sources.delete(source)) return false
    if (watched.sources.size > 0) return true
    watched.end()
    this.#watched.delete(watched.id)
    this.#byBreaker.delete(breaker)
    this.#ids.giveBack(watched.id)
    this.#events.push({ type: 'unwatched', id: watched.id })
    for (const follower of this.#followers) follower.removed(watched.id)
    return true
  }

  readonly #publish = (event: MonitorEvent): void => {
    if (event.type === 'transition') this.#transitions.push(event.transition)
    this.#events.push(event)
  }
}

function checkBreaker(target: unknown): asserts target is CircuitBreaker {
  check(
    isObject(target) && CircuitBreaker.circuitOf(target) !== undefined,
    'target',
    'a CircuitBreaker or a CircuitBreakerRegistry, of this copy of the package',
    target,
  )
}

const seconds: Check = (value, name) =>
  check(
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= HISTORY_BUCKETS,
    name,
    `an integer from 0 to ${HISTORY_BUCKETS}`,
    value,
  )

function readHistory(options: SnapshotOptions): number {
  return (
    readOptions<SnapshotOptions>(options, { history: seconds }, 'snapshot options').history ?? HISTORY_BUCKETS
  )
}
