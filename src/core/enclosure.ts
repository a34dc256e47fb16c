import type { FastPath } from './generation/closed.ts'

/** A call, as the calls of the same breaker that are part of it see it. */
export interface EnclosingCall {
  /** Returns the call that a part made now belongs to: none if it is settled, or what admitted it is not in force. */
  enter(): EnclosingCall | undefined
  /** Fails the call, since a part of it has failed. */
  fail(threw: boolean, payload: unknown): boolean
  /** Renews the lease of the call, if it is a probe. */
  renew(): void
}

/**
 * Takes the place of a circuit's fast path while the synchronous part of a request runs. Every call in it then needs a
 * permit, and becomes a part of the request. Nothing else has to check for it, and no async context is needed.
 */
export interface Enclosure extends FastPath {
  admit(): undefined
  enter: EnclosingCall['enter']
}
