import { renderError, warn } from '../../base/error-sink.ts'
import { startTimer } from '../../base/timer.ts'
import { withLimits } from '../contract/with-limits.ts'
import type { StorageHint } from '../contract/operations.ts'
import { Lane, type LaneOptions } from './lane.ts'
import type { Names } from './names.ts'
import type { RedisPort } from './ports/port.ts'

/** Milliseconds between heartbeats. Hints are rare, so a dead connection would go unnoticed without them. */
const HEARTBEAT = 20_000
/** Milliseconds that the reply to a heartbeat may take: as long as three deadlines. */
const HEARTBEAT_DEADLINE = 3_000

/** The connection that receives hints of transitions (F23). It is open only while there are listeners. */
export class Subscription {
  readonly #listeners = new Set<(hint: StorageHint) => void>()
  readonly #names: Names
  readonly #lane: Lane
  #stopHeartbeat = (): void => {}

  constructor(names: Names, options: Pick<LaneOptions, 'open' | 'connectDeadline' | 'onLost' | 'onOpen'>) {
    this.#names = names
    let wasOpen = false
    this.#lane = new Lane({
      ...options,
      prepare: (port) => this.#prepare(port),
      isNeeded: () => this.#listeners.size > 0,
      onGone: () => this.#stopHeartbeat(),
      onOpen: (port) => {
        options.onOpen(port, false)
        this.#scheduleHeartbeat(port)
        // Hints that were published in between are lost.
        if (wasOpen) this.resync()
        wasOpen = true
      },
    })
  }

  get isLost(): boolean {
    return this.#lane.state === 'lost'
  }

  /** Adds a listener. Returns a function that removes it. */
  add(listener: (hint: StorageHint) => void): () => void {
    // A new function each time, so that the same listener can subscribe twice.
    const subscriber = (hint: StorageHint): void => listener(hint)
    this.#listeners.add(subscriber)
    return () => {
      if (this.#listeners.delete(subscriber) && this.#listeners.size === 0) this.#lane.rest()
    }
  }

  /** Resolves when hints arrive. Rejects when that cannot be had. */
  ready(): Promise<unknown> {
    return this.#lane.ready()
  }

  /** Tells listeners that they may have missed hints, or that the store can be reached again. */
  resync(): void {
    this.#notify('resync')
  }

  close(): void {
    this.#stopHeartbeat()
    this.#listeners.clear()
    this.#lane.close()
  }

  async #prepare(port: RedisPort): Promise<void> {
    await port.subscribe(this.#names.prefix, (message) => {
      const hint = port === this.#lane.port && this.#names.hint(message)
      if (hint) this.#notify(hint)
    })
  }

  #scheduleHeartbeat(port: RedisPort): void {
    this.#stopHeartbeat = startTimer(
      HEARTBEAT,
      () => {
        withLimits('heartbeat', () => port.heartbeat(), { deadline: HEARTBEAT_DEADLINE }).then(
          () => port === this.#lane.port && this.#scheduleHeartbeat(port),
          (error: unknown) => this.#lane.replace(port, error),
        )
      },
      false,
    )
  }

  #notify(hint: StorageHint): void {
    for (const listener of this.#listeners) {
      try {
        listener(hint)
      } catch (error) {
        warn(`a subscriber of RedisStorage threw: ${renderError(error)}`)
      }
    }
  }
}
