import { handOver, renderError, warn } from '../../base/error-sink.ts'
import { startTimer } from '../../base/timer.ts'
import { check, checkFunction, positive, readOptions } from '../../base/validate.ts'
import { isStorageDeadlineError, StorageUnavailableError } from '../contract/errors.ts'
import { withLimits } from '../contract/with-limits.ts'
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
 * How a storage stands with its store (F28): `'connecting'` until it has first been reached, `'live'`, `'degraded'` while
 * it is lost or refuses us, and `'closed'` once the storage has been disposed of.
 */
export type RedisStorageState = 'connecting' | 'live' | 'degraded' | 'closed'

/** A change of {@link RedisStorage.state}. */
export interface RedisStorageEvent {
  readonly from: RedisStorageState
  readonly to: RedisStorageState
  /** Why it is degraded. */
  readonly error?: StorageUnavailableError
}

/** The options of a {@link RedisStorage}. */
export interface RedisStorageOptions {
  /**
   * A client that can be duplicated, or a function that returns a new one: of node-redis 5 or 6, ioredis 5 or 6, or
   * iovalkey; for a single server, Sentinel or Cluster. The connections of the storage are its own: your client is never
   * used for a command, and its key prefix and type mapping do not apply.
   */
  readonly client: RedisClientSource
  /** What begins every key, before the version of the protocol. Without braces. Default `'recloser'`. */
  readonly prefix?: string | undefined
  /** Milliseconds for an operation that has no deadline of its own. Default 1,000. */
  readonly deadline?: number | undefined
  /** Milliseconds for opening a connection. Default 5,000. */
  readonly connectDeadline?: number | undefined
  /**
   * Is told, in a sentence, that the store has been lost, or is back: once per change, never per call. Default: a process
   * warning.
   */
  readonly log?: ((message: string) => void) | undefined
}

// Milliseconds between attempts to give a lease back.
const GIVE_BACK_AGAIN = 250

// The first run of a connection is no command: it brings the script, and finds out who answers.
const CHECKED = JSON.stringify({ type: 'malformed', what: 'type' })

/**
 * A storage in Redis or Valkey: one hash per breaker, one script, one connection for commands and one for hints.
 *
 * Nothing is connected before the first operation. Timers and connections do not keep a process alive, pending operations
 * do. `Symbol.asyncDispose` ends it.
 *
 * @throws {TypeError | RangeError} for a bad option. What is wrong with the server, its address or the credentials is the
 *   error of operations, and of the change to `'degraded'`.
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
    let deaf = false
    this.#subscription = new Subscription(this.#names, {
      open,
      connectDeadline,
      onState: (state, error) => {
        // Where the store itself is lost, that has been said.
        if (error && this.#state === 'live') {
          deaf = true
          this.#say(`no hints of transitions arrive, so breakers learn of them later: ${error.message}`)
        } else if (deaf && state === 'live') {
          deaf = false
          this.#say('hints of transitions arrive again')
        }
      },
    })
  }

  /** How it stands with the store now. */
  get state(): RedisStorageState {
    return this.#state
  }

  /** Hears of each change of `state`. Returns what ends that. */
  onStateChange(listener: (event: RedisStorageEvent) => void): () => void {
    checkFunction(listener, 'listener')
    const own = (event: RedisStorageEvent): void => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  exchange(name: string, command: ExchangeCommand, limits?: StorageLimits): Promise<ExchangeReply> {
    return this.#carryOut(name, command, limits)
  }

  async acquire(name: string, command: AcquireCommand, limits?: StorageLimits): Promise<AcquireReply> {
    const asked = this.#pending.add(name, command)
    const late = (answer: unknown): void => this.#giveBack(asked, answer)
    try {
      const reply = await this.#carryOut(name, command, limits, late)
      this.#pending.remove(asked)
      return reply
    } catch (error) {
      startTimer(LINGER, () => this.#pending.remove(asked), false)
      throw error
    }
  }

  settle(name: string, command: SettleCommand, limits?: StorageLimits): Promise<SettleReply> {
    return this.#carryOut(name, command, limits)
  }

  change(name: string, command: ChangeCommand, limits?: StorageLimits): Promise<ChangeReply> {
    return this.#carryOut(name, command, limits)
  }

  subscribe(listener: (hint: StorageHint) => void, limits?: StorageLimits): Promise<() => void> {
    return this.#withLimits('subscribe', () => this.#subscription.add(listener), limits)
  }

  /** Waits until what has been sent is answered, or its deadline has passed, and closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state === 'live') await this.#keepAlive.ended(this.#deadline)
    this.#subscription.close()
    this.#lane.close()
  }

  async #carryOut<Command extends StorageCommand>(
    name: string,
    command: Command,
    limits?: StorageLimits,
    late?: (answer: unknown) => void,
  ): Promise<ReplyTo<Command>> {
    let job: Job | undefined
    let missed = false
    const run = async (): Promise<StorageReply> => {
      const encoded = await this.#names.encode(name)
      const args = toArguments({ channel: this.#names.prefix, name: encoded }, command)
      const own = new Job(this.#names.key(encoded), args, late)
      job = own
      void this.#dispatch.start(own)
      const reply = await own.answer.then(fromReply, refused)
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
      // Every operation has a deadline.
      const own = deadline === undefined || deadline === Infinity ? this.#deadline : deadline
      return await withLimits(operation, start, { signal, deadline: own })
    } finally {
      release()
    }
  }

  async #prepare(port: RedisPort): Promise<void> {
    const key = this.#names.key('')
    try {
      // What changes nothing, but is refused where nothing may be changed.
      const change = { key, args: ['hdel', key, '~'] }
      const [answer, changed] = await Promise.allSettled(
        port.send([{ key, args: ['eval', SCRIPT, '1', key] }, change]),
      )
      if (answer?.status !== 'fulfilled') throw answer?.reason
      const reply = JSON.stringify(fromReply(answer.value))
      if (reply !== CHECKED)
        throw new TypeError(`what answers does not run our script: ${reply.slice(0, 100)}`)
      if (changed?.status === 'rejected' && kindOf(changed.reason) === 'stale') throw changed.reason
    } catch (error) {
      // Of a cluster, one part may have failed.
      const kind = kindOf(error)
      if (!port.clustered || kind === 'credentials' || kind === 'denied') throw error
    }
  }

  /** Repeated until it arrives, or the lease has ended by itself. */
  #giveBack({ name, command, superseded }: PendingAcquire, answer: unknown): void {
    const reply = fromReply(answer)
    if (superseded || reply.type !== 'granted') return
    const { sender, nonce } = command
    const until = performance.now() + reply.lease
    const { epoch } = reply.record
    const cancel: SettleCommand = { type: 'settle', sender, nonce, epoch, outcome: 'cancel', openFor: 0 }
    const attempt = (): void => {
      if (this.#state === 'closed' || performance.now() > until) return
      this.settle(name, cancel).catch(() => startTimer(GIVE_BACK_AGAIN, attempt, false))
    }
    attempt()
  }

  #enter(state: LaneState, error?: StorageUnavailableError): void {
    // It rests only before the first operation.
    if (state === 'idle' || state === this.#state) return
    const from = this.#state
    this.#state = state
    if (error)
      this.#say(`the store is out of reach, so each process goes on with its own breakers: ${error.message}`)
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

  /** There is another connection for commands, so whoever waits to try again may do so; first what was lost is told. */
  #resync(): void {
    onNextTick(() => this.#subscription.resync())
  }

  #say(message: string): void {
    handOver(() => this.#log(`RedisStorage (${this.#names.prefix}): ${message}`), undefined)
  }
}

function refused(error: unknown): StorageReply {
  if (kindOf(error) === 'denied' && !(error instanceof StorageUnavailableError)) {
    return { type: 'unusable', why: 'denied' }
  }
  throw unavailable(error)
}
