import { CircuitBreaker } from '../breaker.ts'
import type { OpenOptions } from '../core/control.ts'
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
  /** How many changes of state are kept, of all breakers together. Default 1,000. */
  readonly transitions?: number | undefined
}

/** The options of {@link CircuitBreakerMonitor.events}. */
export interface EventsOptions {
  /** Ends the events when it aborts. */
  readonly signal?: AbortSignal | undefined
  /** How many events may wait for the consumer before the oldest are dropped. Default 1,000. */
  readonly limit?: number | undefined
}

/** @internal Told of every breaker that a monitor begins and ceases to watch. */
export interface MonitorFollower {
  added(id: string, breaker: CircuitBreaker): void
  removed(id: string): void
}

/**
 * Observes and controls any number of breakers and registries.
 *
 * It costs a breaker nothing until it is watched. Then each call is timed and counted, in memory of a fixed size: some
 * 17 kB for a breaker that is called, 2 kB for one that is not. There are no timers.
 *
 * @throws {TypeError | RangeError} for a bad option.
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
  // In the order in which they were first watched.
  readonly #watched = new Map<string, Watched>()
  readonly #byBreaker = new Map<CircuitBreaker, Watched>()
  readonly #ids = new Ids()
  readonly #registries = new Map<object, () => void>()
  readonly #transitions: Ring<Transition>
  readonly #events = new EventLog()
  readonly #followers = new Set<MonitorFollower>()

  /** @internal Tells `follower` of the breakers that are watched and of all to come and go. Returns what ends it. */
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
   * Watches a breaker, or all that a registry has and will have. A repeat changes nothing, and a breaker that is watched
   * by itself and through its registry counts once.
   *
   * @returns what unwatches it.
   * @throws {TypeError} if it is neither, or comes from another copy of this package.
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
   * Ends what `watch` began. A breaker that is also watched in the other way stays.
   *
   * @returns whether it was watched.
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

  /** Whether a breaker with this id is watched. */
  has(id: string): boolean {
    return this.#watched.has(id)
  }

  /**
   * What is known of all breakers now.
   *
   * @throws {TypeError | RangeError} for a bad option.
   */
  snapshot(options: SnapshotOptions = {}): MonitorSnapshot {
    const seconds = readHistory(options)
    const breakers: BreakerReport[] = []
    for (const watched of this.#watched.values()) breakers.push(watched.report(seconds))
    const health = worst(breakers.map((each) => each.health))
    return { version: 1, takenAt: Date.now(), health, breakers }
  }

  /**
   * What is known of one breaker; `undefined` if there is none with this id.
   *
   * @throws {TypeError | RangeError} for a bad option.
   */
  report(id: string, options: SnapshotOptions = {}): BreakerReport | undefined {
    return this.#watched.get(id)?.report(readHistory(options))
  }

  /** What an exporter of metrics wants. */
  totals(): readonly BreakerTotals[] {
    return Array.from(this.#watched.values(), (watched) => watched.totals)
  }

  /** The worst of all breakers'; `'up'` without any. */
  get health(): Health {
    return worst(Array.from(this.#byBreaker.keys(), (breaker) => healthOf(breaker.state)))
  }

  /** What an endpoint for health checks answers with. */
  healthReport(): HealthReport {
    const breakers = Array.from(this.#watched.values(), ({ id, breaker }) => {
      const { state, tripReason, retryAfter } = breaker.snapshot()
      return [id, { status: healthOf(state), state, reason: tripReason, retryAfter }] as const
    })
    return { status: worst(breakers.map(([, { status }]) => status)), breakers: Object.fromEntries(breakers) }
  }

  /** The last changes of state of all breakers, also of those that are not watched any more; the oldest first. */
  get transitions(): readonly Transition[] {
    return this.#transitions.newest
  }

  /**
   * What happens from now on, for any number of consumers. It ends when `signal` aborts or the loop is left.
   *
   * A consumer that is too slow loses the oldest events, and is told how many by a `dropped` event.
   *
   * @throws {TypeError | RangeError} for a bad option.
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
   * The same as the breaker's `open`.
   *
   * @throws {RangeError} if there is no breaker with this id.
   * @throws {TypeError | RangeError} for a bad option.
   */
  open(id: string, options?: OpenOptions): boolean {
    return this.#find(id).open(options)
  }

  /** The same as the breaker's `halfOpen`; throws as {@link CircuitBreakerMonitor.open} does. */
  halfOpen(id: string, reason?: string): boolean {
    return this.#find(id).halfOpen(reason)
  }

  /** The same as the breaker's `close`; throws as {@link CircuitBreakerMonitor.open} does. */
  close(id: string, reason?: string): boolean {
    return this.#find(id).close(reason)
  }

  /** The same as the breaker's `isolate`; throws as {@link CircuitBreakerMonitor.open} does. */
  isolate(id: string, reason?: string): boolean {
    return this.#find(id).isolate(reason)
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
    const watched = known ?? new Watched(this.#ids.take(breaker.name), breaker, this.#publish)
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
