import { setTimeout } from 'node:timers/promises'
import { exponentialBackoff } from '../../base/backoff.ts'
import type { DashboardEvent } from '../client/check.ts'
import type { DashboardClient } from '../client/client.ts'
import { Failure } from '../base/command.ts'

/** An event from a dashboard, or the loss of the connection to it. */
export type WatchUpdate =
  | DashboardEvent
  /** The stream has ended; the next attempt begins in `retryIn` milliseconds. */
  | { readonly type: 'disconnected'; readonly error: Failure; readonly retryIn: number }

/** The subset of a client that this module uses. */
export type EventSource = Pick<DashboardClient, 'events'>

/** Resolves after `ms` milliseconds, or at once when the signal aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>

const delay = exponentialBackoff({ initial: 1_000, max: 15_000 })

/**
 * Follows a dashboard until the signal aborts. Reconnects after growing pauses when the stream ends.
 *
 * @throws {Failure} when the first connection fails: then the address is more likely to be wrong than the server.
 */
export async function* follow(
  source: EventSource,
  signal: AbortSignal,
  sleep: Sleep = sleepFor,
): AsyncGenerator<WatchUpdate, void, undefined> {
  let everConnected = false
  let attempt = 0
  while (!signal.aborted) {
    try {
      for await (const event of source.events(signal)) {
        // A server that closes each stream after the first snapshot has not recovered, so only later events count.
        if (event.type !== 'snapshot') attempt = 0
        everConnected = true
        yield event
      }
    } catch (error) {
      if (!everConnected || !(error instanceof Failure)) throw error
      attempt++
      const retryIn = Math.ceil(delay({ attempt, reason: 'disconnected', random: Math.random }))
      yield { type: 'disconnected', error, retryIn }
      await sleep(retryIn, signal)
    }
  }
}

async function sleepFor(ms: number, signal: AbortSignal): Promise<void> {
  // It rejects only when the signal aborts.
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}
