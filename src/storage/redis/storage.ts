import { systemClock } from '../../base/clock.ts'
import { handOver, renderError, warn } from '../../base/error-sink.ts'
import { startTimer } from '../../base/timer.ts'
import { check, checkFunction, positive, readOptions } from '../../base/validate.ts'
import { isStorageDeadlineError, StorageUnavailableError } from '../contract/errors.ts'
import { withLimits } from '../contract/with-limits.ts'
import { malformed } from '../reducer/malformed.ts'
import type {
  AcquireCommand,
  ChangeCommand,
  ExchangeCommand,
  SettleCommand,
  StorageCommand,
} from '../contract/commands.ts'
import { REPLIES, type ReplyTo, type StorageHint, type StorageLimits } from '../contract/operations.ts'
import type {
  AcquireReply,
  ChangeReply,
  ExchangeReply,
  SettleReply,
  StorageReply,
} from '../contract/replies.ts'
import { CircuitBreakerStorage } from '../storage.ts'
import { onNextTick } from '../../base/next-tick.ts'
import { Dispatch, Job } from './dispatch.ts'
import { kindOf, unavailable } from './failure.ts'
import { PendingAcquires, type PendingAcquire } from './pending-acquires.ts'
import { KeepAlive } from './keep-alive.ts'
import { Lane, LINGER, type LaneState } from './lane.ts'
import { Names } from './names.ts'
import { checkSource, openPort, type RedisClientSource } from './open-port.ts'
import type { RedisPort } from './ports/port.ts'
import { fromReply, toArguments } from './protocol.ts'
import { SCRIPT } from './script.ts'
import { Subscription } from './subscription.ts'

/**
 * The state of a storage's connection to its store (F28): `'connecting'` until the first attempt to connect has ended;
 * `'live'`; `'degraded'` while the connection is lost or refused; `'closed'` once the storage has been disposed of.
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
   * Receives a sentence when the store is lost and when it is back: once per change, never per call.
   *
   * @default a process warning
   */
  readonly log?: ((message: string) => void) | undefined
}

// Milliseconds before the next attempt to give a lease back.
const GIVE_BACK_RETRY = 250

// The script's reply to no command at all. The first run on a connection sends none: it loads the script, and shows
// that the server runs it.
const EMPTY_RUN_REPLY = JSON.stringify({ type: 'malformed', what: 'type' })

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
  readonly #log: (message: string) => void
  readonly #lane: Lane
  readonly #dispatch: Dispatch
  readonly #subscription: Subscription
  readonly #pending = new PendingAcquires()
  readonly #keepAlive = new KeepAlive()
  readonly #listeners = new Set<(event: RedisStorageEvent) => void>()
  readonly #id = crypto.randomUUID().slice(0, 8)
  #sent = 0
  #state: RedisStorageState = 'connecting'

  constructor(options: RedisStorageOptions) {
    super()
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
    this.#log = log
    const open = (ended: (error: unknown) => void): RedisPort => openPort(client, connectDeadline, ended)
    this.#lane = new Lane({
      open,
      connectDeadline,
      prepare: (port) => this.#prepare(port),
      onLost: (port, error) => {
        this.#dispatch.lost(port, error)
        if (this.#lane.port) this.#resync()
      },
      onState: (state, error) => this.#enter(state, error),
    })
    this.#dispatch = new Dispatch(this.#lane)
    let hintsLost = false
    this.#subscription = new Subscription(this.#names, {
      open,
      connectDeadline,
      onState: (state, error) => {
        // If the store itself is lost, that has been logged already.
        if (error && this.#state === 'live') {
          hintsLost = true
          this.#say(`no hints of transitions arrive, so breakers learn of them later: ${error.message}`)
        } else if (hintsLost && state === 'live') {
          hintsLost = false
          this.#say('hints of transitions arrive again')
        }
      },
    })
  }

  /** The current state of the connection to the store. */
  get state(): RedisStorageState {
    return this.#state
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
  async acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    const pending = this.#pending.add(name, command)
    const onLate = (answer: unknown, token: string): void => this.#giveBack(pending, answer, token)
    try {
      const reply = await this.#carryOut(name, command, limits, onLate)
      this.#pending.remove(pending)
      return reply
    } catch (error) {
      startTimer(LINGER, () => this.#pending.remove(pending), false)
      throw error
    }
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
  subscribe(listener: (hint: StorageHint) => void, limits?: StorageLimits): Promise<() => void> {
    return this.#withLimits('subscribe', () => this.#subscription.add(listener), limits)
  }

  /** Waits for pending operations, at most `deadline` milliseconds, then closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'live') await this.#keepAlive.ended(this.#deadline)
    this.#subscription.close()
    this.#lane.close()
  }

  async #carryOut<Command extends StorageCommand>(
    name: string,
    command: Command,
    limits?: StorageLimits,
    onLate?: (answer: unknown, token: string) => void,
  ): Promise<ReplyTo<Command>> {
    let job: Job | undefined
    let missed = false
    const run = async (): Promise<StorageReply> => {
      const encoded = await this.#names.encode(name)
      const token = this.#nextToken()
      const args = toArguments({ channel: this.#names.prefix, name: encoded }, command, token)
      const own = new Job(this.#names.key(encoded), args, (answer) => onLate?.(answer, token))
      job = own
      void this.#dispatch.start(own)
      const reply = await own.answer.then((answer) => fromReply(answer, token), fromError)
      // The script names only the argument that is wrong.
      if (reply.type === 'malformed') return { ...reply, what: malformed(command) ?? reply.what }
      if (REPLIES[command.type].includes(reply.type)) return reply
      const error = new StorageUnavailableError(`Redis answered ${command.type} with ${reply.type}`)
      this.#dispatch.distrust(own, error)
      throw error
    }
    try {
      return (await this.#withLimits(command.type, run, limits)) as ReplyTo<Command>
    } catch (error) {
      missed = isStorageDeadlineError(error)
      throw error
    } finally {
      if (job) this.#dispatch.abandon(job, missed)
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

  #nextToken(): string {
    return `${this.#id}.${++this.#sent}`
  }

  async #prepare(port: RedisPort): Promise<void> {
    const key = this.#names.key('')
    const token = this.#nextToken()
    try {
      // Deletes a field that never exists. It changes nothing, but a server that accepts no writes refuses it.
      const change = { key, args: ['hdel', key, '~'] }
      const [answer, changed] = await Promise.allSettled(
        port.send([{ key, args: ['eval', SCRIPT, '1', key, token] }, change]),
      )
      if (answer?.status !== 'fulfilled') throw answer?.reason
      const reply = JSON.stringify(fromReply(answer.value, token))
      if (reply !== EMPTY_RUN_REPLY)
        throw new TypeError(`what answers does not run our script: ${reply.slice(0, 100)}`)
      if (changed?.status === 'rejected' && kindOf(changed.reason) === 'stale') throw changed.reason
    } catch (error) {
      // In a cluster, one node may have failed while the others work.
      const kind = kindOf(error)
      if (!port.clustered || kind === 'credentials' || kind === 'denied') throw error
    }
  }

  /** Gives back a lease that was granted too late. Retries until the store has confirmed it or the lease has ended. */
  #giveBack({ name, command, superseded }: PendingAcquire, answer: unknown, token: string): void {
    const reply = fromReply(answer, token)
    if (superseded || reply.type !== 'granted') return
    const { sender, nonce } = command
    const until = systemClock.now() + reply.lease
    const { epoch } = reply.record
    const cancel: SettleCommand = { type: 'settle', sender, nonce, epoch, outcome: 'cancel', openFor: 0 }
    const attempt = (): void => {
      if (this.#state === 'closed' || systemClock.now() > until) return
      this.settle(name, cancel).catch(() => startTimer(GIVE_BACK_RETRY, attempt, false))
    }
    attempt()
  }

  #enter(state: LaneState, error?: StorageUnavailableError): void {
    // The lane for commands is idle only before the first operation.
    if (state === 'idle' || state === this.#state) return
    const from = this.#state
    this.#state = state
    if (error) this.#say(`the store cannot be reached, so each process decides alone: ${error.message}`)
    else if (state === 'live' && from === 'degraded') {
      this.#say('the store is back')
      this.#resync()
    }
    const event: RedisStorageEvent = { from, to: state, ...(error && { error }) }
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (thrown) {
        warn(`a listener of RedisStorage threw: ${renderError(thrown)}`)
      }
    }
  }

  /**
   * Tells the breakers that there is a new connection, so that those that wait for a retry need not wait any longer.
   * The operations that were lost with the old one reject first.
   */
  #resync(): void {
    onNextTick(() => this.#subscription.resync())
  }

  #say(message: string): void {
    handOver(() => this.#log(`RedisStorage (${this.#names.prefix}): ${message}`), undefined)
  }
}

function fromError(error: unknown): StorageReply {
  if (kindOf(error) === 'denied' && !(error instanceof StorageUnavailableError)) {
    return { type: 'unusable', why: 'denied' }
  }
  throw unavailable(error)
}
