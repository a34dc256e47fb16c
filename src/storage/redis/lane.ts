import { systemClock } from '../../base/clock.ts'
import { startTimer } from '../../base/timer.ts'
import { StorageDeadlineError, StorageUnavailableError } from '../contract/errors.ts'
import { withLimits } from '../contract/with-limits.ts'
import { onNextTick } from '../../base/next-tick.ts'
import { kindOf, unavailable } from './failure.ts'
import type { RedisPort } from './ports/port.ts'

/**
 * `'idle'`: not needed, so not connected; `'connecting'`: the first attempt is under way; `'live'`: connected;
 * `'degraded'`: lost or refused, with retries after growing pauses; `'closed'`: disposed of.
 */
export type LaneState = 'idle' | 'connecting' | 'live' | 'degraded' | 'closed'

export interface LaneOptions {
  /** Milliseconds after which opening a connection times out, `prepare` included. */
  readonly connectDeadline: number
  /** Opens a connection, which calls `ended` when it is lost for good. */
  readonly open: (ended: (error: unknown) => void) => RedisPort
  /** Makes a connection ready for use. */
  readonly prepare: (port: RedisPort) => Promise<void>
  readonly onState: (state: LaneState, error?: StorageUnavailableError) => void
  /**
   * Called when a connection is no longer in use: commands that it has not answered count as lost. The lane may already
   * use another connection.
   */
  readonly onLost: (port: RedisPort, error: StorageUnavailableError) => void
}

const SHORTEST_BACKOFF = 100
const LONGEST_BACKOFF = 5_000
/** Milliseconds before the next attempt after the server refused us (F16): a retry seldom helps. */
const REFUSED_BACKOFF = 30_000
/** A connection that lasted this many milliseconds was a good one: the next pause is short again. */
const GOOD_LIFE = 5_000
/** Milliseconds for which a replaced connection may still answer, so that leases it grants can be given back. */
export const LINGER = 10_000

/** Keeps one connection open (F27, F28). Each is our own, and is replaced instead of reconnected. */
export class Lane {
  readonly #options: LaneOptions
  #state: LaneState = 'idle'
  #port: RedisPort | undefined
  #error: StorageUnavailableError | undefined
  #failures = 0
  #since = 0
  #renewing = false
  #renewAfter = 0
  #opening: Promise<RedisPort> | undefined
  #stopRetry = (): void => {}
  /** Connections that have been opened and not yet closed, replaced ones included. */
  readonly #openPorts = new Set<RedisPort>()

  constructor(options: LaneOptions) {
    this.#options = options
  }

  get state(): LaneState {
    return this.#state
  }

  /** The connection in use, if there is one. */
  get port(): RedisPort | undefined {
    return this.#port
  }

  /** Returns the connection in use, or waits for the first one. Rejects at once when the lane is degraded or closed. */
  async ready(): Promise<RedisPort> {
    if (this.#port) return this.#port
    if (this.#state === 'idle') {
      this.#enter('connecting')
      void this.#connect()
    }
    if (this.#state === 'connecting' && this.#opening) return this.#opening
    throw this.#error ?? new StorageUnavailableError('The storage has been disposed of')
  }

  /** Gives up a connection, if it is in use, and opens another one. With `linger`, the old one may still answer. */
  replace(port: RedisPort, why: unknown, linger = false): void {
    if (port !== this.#port) return
    const error = unavailable(why)
    this.#port = undefined
    if (systemClock.now() - this.#since >= GOOD_LIFE) this.#failures = 0
    if (linger) this.#linger(port)
    else this.#discard(port)
    this.#degrade(error)
    this.#options.onLost(port, error)
  }

  /**
   * Opens another connection and switches to it. This is for a cluster in which one node may have failed: the old
   * connection serves the other nodes meanwhile. Only one renewal runs at a time, after a growing pause, and only if
   * `isNeeded` still holds then. Resolves to `false` if no other connection could be opened.
   */
  async renew(port: RedisPort, why: unknown, isNeeded: () => boolean): Promise<boolean> {
    if (port !== this.#port || this.#renewing) return true
    const now = systemClock.now()
    this.#failures = now - this.#since >= GOOD_LIFE ? 0 : this.#failures + 1
    this.#renewing = true
    try {
      await new Promise<void>((resolve) => startTimer(Math.max(0, this.#renewAfter - now), resolve, false))
      if (port !== this.#port || !isNeeded()) return true
      const fresh = await this.#try()
      if (port !== this.#port || !this.#openPorts.has(fresh)) {
        this.#discard(fresh)
        return port !== this.#port
      }
      this.#port = fresh
      this.#since = systemClock.now()
      this.#linger(port)
      this.#options.onLost(port, unavailable(why))
      return true
    } catch {
      return false
    } finally {
      this.#renewing = false
      this.#renewAfter = systemClock.now() + Math.random() * this.#backoff()
    }
  }

  /** Closes the connection until it is needed again. */
  rest(): void {
    this.#close('idle', new StorageUnavailableError('The connection is not needed any more'))
  }

  close(): void {
    this.#close('closed', new StorageUnavailableError('The storage has been disposed of'))
  }

  #close(state: 'idle' | 'closed', error: StorageUnavailableError): void {
    if (this.#state === 'closed') return
    const port = this.#port
    this.#stopRetry()
    this.#port = undefined
    this.#opening = undefined
    this.#error = error
    this.#failures = 0
    for (const each of this.#openPorts) this.#discard(each)
    this.#enter(state)
    if (port) this.#options.onLost(port, error)
  }

  async #connect(): Promise<void> {
    const opening = this.#try()
    this.#opening = opening
    try {
      const port = await opening
      if (this.#opening !== opening) return
      if (!this.#openPorts.has(port)) throw new Error('the connection was closed at once')
      this.#opening = undefined
      this.#since = systemClock.now()
      this.#port = port
      this.#enter('live')
    } catch (error) {
      if (this.#opening !== opening) return
      this.#opening = undefined
      this.#degrade(unavailable(error))
    }
  }

  async #try(): Promise<RedisPort> {
    const { open, prepare, connectDeadline: deadline } = this.#options
    let port: RedisPort | undefined
    let lost = (_error: unknown): void => {}
    const ended = new Promise<never>((_, reject) => {
      lost = reject
    })
    ended.catch(() => {})
    try {
      const opened = open((error) => {
        lost(error)
        this.#discard(opened)
        this.replace(opened, error)
      })
      port = opened
      this.#openPorts.add(opened)
      const connect = async (): Promise<void> => {
        await opened.connect()
        await prepare(opened)
        // The server may have refused the credentials or the database and answer all the same. Not every client waits
        // for that, so give its error a chance to arrive.
        await new Promise<void>((resolve) => onNextTick(resolve))
      }
      await withLimits('connect', () => Promise.race([connect(), ended]), { deadline })
      return opened
    } catch (error) {
      if (port) this.#discard(port)
      if (!(error instanceof StorageDeadlineError)) throw unavailable(error)
      throw new StorageUnavailableError(`Redis cannot be reached: no answer within ${deadline} ms`, {
        cause: error,
      })
    }
  }

  /** Retries after a random pause below a limit that doubles: exponential backoff with full jitter. */
  #degrade(error: StorageUnavailableError): void {
    const kind = kindOf(error.cause)
    const pause =
      kind === 'credentials' || kind === 'denied' ? REFUSED_BACKOFF : Math.random() * this.#backoff()
    this.#failures++
    this.#error = error
    this.#enter('degraded', error)
    this.#stopRetry = startTimer(pause, () => void this.#connect(), false)
  }

  #backoff(): number {
    return Math.min(LONGEST_BACKOFF, SHORTEST_BACKOFF * 2 ** Math.min(this.#failures, 10))
  }

  #enter(state: LaneState, error?: StorageUnavailableError): void {
    if (state === this.#state) return
    this.#state = state
    this.#options.onState(state, error)
  }

  /** Closes a replaced connection later: it may still grant a lease, which has to be given back. */
  #linger(port: RedisPort): void {
    startTimer(LINGER, () => this.#discard(port), false)
  }

  #discard(port: RedisPort): void {
    if (this.#openPorts.delete(port)) port.destroy()
  }
}
