import { systemClock } from '../../base/clock.ts'
import { onNextTick } from '../../base/next-tick.ts'
import { startTimer } from '../../base/timer.ts'
import { StorageDeadlineError, StorageUnavailableError } from '../contract/errors.ts'
import { pauseAfter } from '../contract/health.ts'
import { withLimits } from '../contract/with-limits.ts'
import { kindOf, MisfitsError, unavailable } from './failure.ts'
import type { RedisPort } from './ports/port.ts'

/** `'idle'`: not needed; `'opening'`: for the first time or again; `'lost'`: tries to open go on. */
export type LaneState = 'idle' | 'opening' | 'open' | 'lost' | 'closed'

export interface LaneOptions {
  /** Milliseconds after which an attempt to open a connection ends, `prepare` included. */
  readonly connectDeadline: number
  /** Opens a connection, which calls `ended` when it is lost for good. */
  readonly open: (ended: (error: unknown) => void) => RedisPort
  /** Makes a connection ready for use. */
  readonly prepare: (port: RedisPort) => Promise<void>
  /** Whether a closed connection has to be opened again before the next command. */
  readonly isNeeded: () => boolean
  /** Called with each new connection. `wasMissed`: commands have been lost or rejected for want of one. */
  readonly onOpen: (port: RedisPort, wasMissed: boolean) => void
  /** Called when there is no connection, and none could be opened in time; then after each failed try. */
  readonly onLost: (error: StorageUnavailableError) => void
  /** Called when a connection has been closed: commands that it has not answered are lost. */
  readonly onGone: (port: RedisPort, error: StorageUnavailableError) => void
}

/** Milliseconds in which a connection is renewed without a word (F28b). */
const RENEWAL = 1_000
/** Milliseconds before the next try after the server refused us (F16), or something falsifies its replies (F22b). */
const AFTER_REFUSAL = 30_000

/**
 * Keeps one connection open while it is needed (F27, F28b). Each is our own, and is replaced instead of reconnected, at
 * most twice a second (F24b).
 */
export class Lane {
  state: LaneState = 'idle'
  /** The connection in use, if there is one. */
  port: RedisPort | undefined
  readonly #options: LaneOptions
  #error = new StorageUnavailableError('Redis cannot be reached')
  #wasOpen = false
  #wasMissed = false
  #triedAt = -Infinity
  // Changes when the lane is closed: attempts from before it no longer count.
  #life = 0
  #next: Deferred<RedisPort> | undefined
  #renewal: Promise<boolean> | undefined
  #stopTry = (): void => {}
  #stopRenewal = (): void => {}
  readonly #openPorts = new Set<RedisPort>()

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Returns the connection in use, or waits for it. Rejects at once when the lane is lost or closed. */
  ready(): Promise<RedisPort> {
    if (this.port) return Promise.resolve(this.port)
    if (this.state === 'lost' || this.state === 'closed') return Promise.reject(this.#error)
    this.#next ??= deferred()
    const { promise } = this.#next
    if (this.state === 'idle') this.#begin(pauseAfter(this.#triedAt, 0))
    return promise
  }

  /** Gives up a connection, if it is in use. Opens another one if that is needed. `isLost`: the store is lost at once. */
  replace(port: RedisPort, why: unknown, isLost: boolean = isRefusal(why)): void {
    if (port !== this.port) return
    const error = unavailable(why)
    const isNeeded = isLost || this.#options.isNeeded()
    this.port = undefined
    this.state = 'idle'
    this.#discard(port, error)
    if (!isNeeded || this.state !== 'idle') return
    this.#error = error
    this.#wasMissed = true
    this.#begin(isLost && isRefusal(why) ? AFTER_REFUSAL : pauseAfter(this.#triedAt))
    if (isLost) this.#lose(error)
  }

  /**
   * Opens another connection and switches to it, because the one in use may lead to the wrong server. Meanwhile that one
   * goes on serving, and afterwards it still answers what it was sent. Resolves to `false` if none could be opened.
   */
  renew(): Promise<boolean> {
    return (this.#renewal ??= this.#renew().finally(() => (this.#renewal = undefined)))
  }

  async #renew(): Promise<boolean> {
    const { port } = this
    await new Promise<void>((resolve) => startTimer(pauseAfter(this.#triedAt), resolve, false))
    if (!port || port !== this.port) return true
    try {
      const fresh = await this.#open()
      if (port !== this.port) this.#discard(fresh, this.#error)
      else {
        this.port = fresh
        const replaced = new StorageUnavailableError('The connection was replaced')
        startTimer(RENEWAL, () => this.#discard(port, replaced), false)
        this.#options.onOpen(fresh, false)
      }
      return true
    } catch {
      return false
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
    if (this.state === 'closed') return
    this.#stopTry()
    this.#stopRenewal()
    this.#life++
    this.state = state
    this.port = undefined
    this.#error = error
    for (const each of this.#openPorts) this.#discard(each, error)
    this.#settle((next) => next.reject(error))
  }

  #begin(pause: number): void {
    this.state = 'opening'
    // Until the first attempt has ended, nothing is known that could be lost.
    if (this.#wasOpen) this.#stopRenewal = startTimer(RENEWAL, () => this.#lose(this.#error), false)
    this.#tryAfter(pause)
  }

  #tryAfter(pause: number): void {
    this.#stopTry()
    if (pause === 0) void this.#try()
    else this.#stopTry = startTimer(pause, () => void this.#try(), false)
  }

  async #try(): Promise<void> {
    const life = this.#life
    const isWanted = (): boolean => life === this.#life && (this.state === 'opening' || this.state === 'lost')
    const opening = this.#open()
    // An attempt that takes long goes on, but as soon as the server is back, a new one is faster (F24b).
    this.#tryAfter(pauseAfter(this.#triedAt))
    try {
      const port = await opening
      if (!isWanted()) return this.#discard(port, this.#error)
      if (!this.#openPorts.has(port)) throw new Error('the connection was closed at once')
      this.#stopTry()
      this.#stopRenewal()
      this.#wasOpen = true
      this.state = 'open'
      this.port = port
      for (const each of this.#openPorts) if (each !== port) this.#discard(each, this.#error)
      this.#settle((next) => next.resolve(port))
      this.#options.onOpen(port, this.#wasMissed)
      this.#wasMissed = false
    } catch (error) {
      if (!isWanted()) return
      this.#error = unavailable(error)
      const refused = isRefusal(this.#error)
      if (refused || !this.#wasOpen || this.state === 'lost') this.#lose(this.#error)
      if (refused) this.#tryAfter(AFTER_REFUSAL)
    }
  }

  #lose(error: StorageUnavailableError): void {
    this.#stopRenewal()
    this.state = 'lost'
    this.#wasMissed = true
    this.#error = error
    this.#settle((next) => next.reject(error))
    this.#options.onLost(error)
  }

  async #open(): Promise<RedisPort> {
    const { open, prepare, connectDeadline: deadline } = this.#options
    this.#triedAt = systemClock.now()
    let port: RedisPort | undefined
    const { promise: ended, reject: end } = deferred<never>()
    try {
      const opened = open((error) => {
        end(error)
        if (opened === this.port) this.replace(opened, error)
        else this.#discard(opened, unavailable(error))
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
      const why =
        error instanceof StorageDeadlineError
          ? new StorageUnavailableError(`Redis cannot be reached: no answer within ${deadline} ms`, {
              cause: error,
            })
          : unavailable(error)
      if (port) this.#discard(port, why)
      throw why
    }
  }

  #settle(settle: (next: Deferred<RedisPort>) => void): void {
    const next = this.#next
    this.#next = undefined
    if (next) settle(next)
  }

  #discard(port: RedisPort, error: StorageUnavailableError): void {
    if (!this.#openPorts.delete(port)) return
    port.destroy()
    this.#options.onGone(port, error)
  }
}

/** Whether another try soon would be refused too. */
function isRefusal(error: unknown): boolean {
  const cause = error instanceof StorageUnavailableError ? error.cause : error
  if (cause instanceof MisfitsError) return cause.isLasting
  const kind = kindOf(cause)
  return kind === 'credentials' || kind === 'denied'
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((...both) => ([resolve, reject] = both))
  promise.catch(() => {}) // nobody may be waiting
  return { promise, resolve, reject }
}
