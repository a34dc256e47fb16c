import { onNextTick } from '../../base/next-tick.ts'
import { renderError, warn } from '../../base/error-sink.ts'
import { check, checkFunction, positive, readOptions } from '../../base/validate.ts'
import { isStorageDeadlineError, type StorageUnavailableError } from '../contract/errors.ts'
import { Health } from '../contract/health.ts'
import { withLimits } from '../contract/with-limits.ts'
import { malformed } from '../reducer/malformed.ts'
import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from '../contract/commands.ts'
import type { ReplyTo, StorageHint, StorageLimits } from '../contract/operations.ts'
import type { AcquireReply, ChangeReply, ExchangeReply, SettleReply } from '../contract/replies.ts'
import { CircuitBreakerStorage } from '../storage.ts'
import { Dispatch, evaluate, Job } from './dispatch.ts'
import { kindOf } from './failure.ts'
import { KeepAlive } from './keep-alive.ts'
import { Lane } from './lane.ts'
import { OutageLog } from './log.ts'
import { Names } from './names.ts'
import { checkSource, openPort, type RedisClientSource } from './open-port.ts'
import type { RedisPort } from './ports/port.ts'
import { isReplyTo, toArguments } from './protocol.ts'
import { SCRIPT } from './script.ts'
import { Subscription } from './subscription.ts'

/**
 * The state of a storage's connection to its store (F28): `'connecting'` until the first attempt to connect has ended;
 * `'live'`; `'degraded'` while the store is out of reach: it was lost for a second, or refuses us; `'closed'` once the storage has been disposed of.
 */
export type RedisStorageState = 'connecting' | 'live' | 'degraded' | 'closed'

/** A change of {@link RedisStorage.state}. */
export interface RedisStorageEvent {
  /** The state before the change. */
  readonly from: RedisStorageState
  /** The state after the change. */
  readonly to: RedisStorageState
  /** Why the storage is degraded; absent in all other states. */
  readonly error?: StorageUnavailableError
}

/** The options of a {@link RedisStorage}. */
export interface RedisStorageOptions {
  /**
   * A client with `duplicate()`, or a function that returns a new client: node-redis 5 or 6, ioredis 5 or 6, or
   * iovalkey, for a single server, Sentinel or Cluster. The storage only duplicates your client. Of its options, it takes
   * over the addresses, credentials, TLS, database and name, and none that concern your own commands.
   */
  readonly client: RedisClientSource
  /**
   * The beginning of every key, before the protocol version: 1 to 64 characters without braces and spaces.
   *
   * @default 'recloser'
   */
  readonly prefix?: string | undefined
  /**
   * Milliseconds after which an operation without a deadline of its own times out.
   *
   * @default 1_000
   */
  readonly deadline?: number | undefined
  /**
   * Milliseconds after which an attempt to open a connection times out.
   *
   * @default 5_000
   */
  readonly connectDeadline?: number | undefined
  /**
   * Receives a sentence when the store is lost and when it is back: once per change, never per call, and at most six a
   * minute.
   *
   * @default a process warning
   */
  readonly log?: ((message: string) => void) | undefined
}

/**
 * Stores the records of fleets in Redis or Valkey: one hash per breaker, one script, one connection for commands and
 * one for hints.
 *
 * It connects on the first operation. Pending operations keep the process alive; timers and connections do not. Dispose
 * of it with `Symbol.asyncDispose`.
 *
 * @example
 * ```ts
 * import { createClient } from 'redis'
 * import { CircuitBreaker } from 'recloser'
 * import { RedisStorage } from 'recloser/redis'
 *
 * const storage = new RedisStorage({ client: () => createClient({ url: process.env.REDIS_URL }) })
 * const payments = new CircuitBreaker({ name: 'payments', storage })
 * console.log(await payments.call(async () => 'paid')) // paid
 *
 * await payments[Symbol.asyncDispose]()
 * await storage[Symbol.asyncDispose]()
 * console.log(storage.state) // closed
 * ```
 *
 * @throws {TypeError | RangeError} when an option is invalid. A wrong address, refused credentials and the like reject
 *   operations instead, and are the `error` of the change to `'degraded'`.
 */
export class RedisStorage extends CircuitBreakerStorage {
  readonly #names: Names
  readonly #deadline: number
  readonly #health: Health
  readonly #lane: Lane
  readonly #dispatch: Dispatch
  readonly #subscription: Subscription
  readonly #keepAlive = new KeepAlive()
  readonly #listeners = new Set<(event: RedisStorageEvent) => void>()
  #isReadonly = false
  #seeksMaster = false

  constructor(options: RedisStorageOptions) {
    const health = new Health(true)
    super(health)
    const read = readOptions<RedisStorageOptions>(
      options,
      {
        client: checkSource,
        prefix: (value, name) =>
          check(
            typeof value === 'string' && /^[^{}\s\0]{1,64}$/.test(value),
            name,
            'a string of 1 to 64 characters without braces and spaces',
            value,
          ),
        deadline: positive,
        connectDeadline: positive,
        log: checkFunction,
      },
      'options of RedisStorage',
    )
    const { client, prefix = 'recloser', deadline = 1_000, connectDeadline = 5_000, log = warn } = read
    checkSource(client, 'client')
    this.#names = new Names(prefix)
    this.#deadline = deadline
    this.#health = health
    const outages = new OutageLog(`RedisStorage (${this.#names.prefix})`, log)
    const lost = 'the store cannot be reached, so each process decides alone'
    const deaf = 'no hints of transitions arrive, so breakers learn of them later'
    const open = (ended: (error: unknown) => void): RedisPort => openPort(client, connectDeadline, ended)
    this.#lane = new Lane({
      open,
      connectDeadline,
      prepare: (port) => this.#prepare(port),
      isNeeded: () => this.#dispatch.isPending,
      onGone: (port, error) => this.#dispatch.lost(port, error),
      onOpen: (_port, wasMissed) => {
        outages.end(lost, 'the store is back')
        this.#enter('live')
        if (wasMissed) this.#resync()
        if (this.#isReadonly) void this.#seekMaster()
      },
      onLost: (error) => {
        outages.begin(lost, error)
        this.#enter('degraded', error)
      },
    })
    this.#dispatch = new Dispatch(this.#lane, health, () => void this.#seekMaster())
    this.#subscription = new Subscription(this.#names, {
      open,
      connectDeadline,
      onOpen: () => outages.end(deaf, 'hints of transitions arrive again'),
      // If the store itself is lost, that is logged instead.
      onLost: (error) => {
        const report = (): void => void (this.#subscription.isLost && outages.begin(deaf, error))
        if (this.#lane.port) report()
        else this.#lane.ready().then(report, () => {})
      },
    })
  }

  /** The current state of the connection to the store. */
  get state(): RedisStorageState {
    return this.#health.state
  }

  /**
   * Calls a listener on each change of `state`. Returns a function that removes the listener.
   *
   * @throws {TypeError} when the listener is not a function.
   */
  onStateChange(listener: (event: RedisStorageEvent) => void): () => void {
    checkFunction(listener, 'listener')
    const own = (event: RedisStorageEvent): void => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  /** Adds counts to the pool and returns its sums (F2–F6). */
  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply> {
    return this.#carryOut(name, command, limits)
  }

  /** Requests a lease to send one probe (F17–F21). */
  acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    return this.#carryOut(name, command, limits)
  }

  /** Settles a lease with the outcome of its probe (F17, F18). */
  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply> {
    return this.#carryOut(name, command, limits)
  }

  /** Changes the state of the fleet (F2, F9). */
  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply> {
    return this.#carryOut(name, command, limits)
  }

  /** Subscribes to the transitions of all processes, except those to half-open (F23). */
  async subscribe(listener: (hint: StorageHint) => void, limits?: StorageLimits): Promise<() => void> {
    let end: (() => void) | undefined
    const start = (): Promise<unknown> => {
      end = this.#subscription.add(listener)
      return this.#subscription.ready()
    }
    try {
      await this.#withLimits('subscribe', start, limits)
      return end!
    } catch (error) {
      end?.()
      throw error
    }
  }

  /** Returns the name as keys and hints contain it: percent-encoded, and hashed if it is long. */
  override recordName(name: string): string {
    return this.#names.encode(name)
  }

  /** Waits for pending operations, at most `deadline` milliseconds, then closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'live') await this.#keepAlive.ended(this.#deadline)
    this.#enter('closed')
    this.#subscription.close()
    this.#lane.close()
  }

  async #carryOut<Command extends StorageCommand>(
    name: string,
    command: Command,
    limits: StorageLimits | undefined,
  ): Promise<ReplyTo<Command>> {
    const encoded = this.#names.encode(name)
    const token = this.#dispatch.token()
    const args = toArguments({ channel: this.#names.prefix, name: encoded }, command, token)
    const job = new Job(this.#names.key(encoded), token, args)
    let missed = false
    const run = (): Job['reply'] => {
      void this.#dispatch.start(job)
      return job.reply
    }
    try {
      const reply = await this.#withLimits(command.type, run, limits)
      // The script names only the argument that is wrong.
      const isMalformed = reply.type === 'malformed'
      return (isMalformed ? { ...reply, what: malformed(command) ?? reply.what } : reply) as ReplyTo<Command>
    } catch (error) {
      missed = isStorageDeadlineError(error)
      throw error
    } finally {
      this.#dispatch.abandon(job, missed)
    }
  }

  async #withLimits<T>(operation: string, start: () => Promise<T>, limits: StorageLimits = {}): Promise<T> {
    const { signal, deadline } = limits
    const release = this.#keepAlive.begin()
    try {
      // Every operation has a deadline: an infinite one counts as none.
      const own = deadline === undefined || deadline === Infinity ? this.#deadline : deadline
      return await withLimits(operation, start, { signal, deadline: own })
    } finally {
      release()
    }
  }

  /** Loads the script, and shows that the server runs it and whether it accepts writes. */
  async #prepare(port: RedisPort): Promise<void> {
    const key = this.#names.key('')
    const token = this.#dispatch.token()
    // Deletes a field that never exists. It changes nothing, but a server that accepts no writes refuses it.
    const change = { key, args: ['hdel', key, '~'] }
    try {
      // A store that is too slow for operations is not back: it would be lost again at once (F28b).
      const [changed, run] = await withLimits(
        'the script',
        () => Promise.allSettled(port.send([change, { key, args: evaluate(SCRIPT, key, [token]) }])),
        { deadline: this.#deadline },
      )
      if (run?.status !== 'fulfilled') throw run?.reason
      // To no command at all, the script replies that its type is malformed.
      const [, type, what] = isReplyTo(run.value, token) ? run.value : []
      if (type !== 'malformed' || what !== 'type') throw this.#dispatch.misfit(port)
      this.#isReadonly = changed?.status === 'rejected' && kindOf(changed.reason) === 'readonly'
    } catch (error) {
      // In a cluster, one node may have failed while the others work.
      const kind = kindOf(error)
      if (!port.clustered || kind === 'credentials' || kind === 'denied') throw error
    }
  }

  /** Renews the connection until it leads to a server that accepts writes: the master may be another one now. */
  async #seekMaster(): Promise<void> {
    this.#isReadonly = true
    if (this.#seeksMaster) return
    this.#seeksMaster = true
    while (this.#isReadonly && this.state === 'live') await this.#lane.renew()
    this.#seeksMaster = false
    this.#resync()
  }

  #enter(to: RedisStorageState, error?: StorageUnavailableError): void {
    const from = this.state
    this.#health.enter(to, error)
    if (to === from) return
    const event: RedisStorageEvent = { from, to, ...(error && { error }) }
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (thrown) {
        warn(`a listener of RedisStorage threw: ${renderError(thrown)}`)
      }
    }
  }

  /** Notifies subscribers that the store can be reached again. The operations that were lost before reject first. */
  #resync(): void {
    onNextTick(() => this.#subscription.resync())
  }
}
