import type { Outcome } from '../base/state.ts'
import type { FastPath } from './generation/closed.ts'
import type { Lease } from './generation/probe.ts'

/**
 * A call that knows what it calls through the same breaker. While its synchronous part runs, it takes the place of the
 * fast path of its circuit: calls in it then need a permit, and can become parts of it. A plain call has nothing more to
 * check, and no async context is needed.
 */
export interface GuardedRequest extends FastPath {
  /** Whether the circuit must be prepared anew when the synchronous part ends. */
  hasChanged: boolean | undefined
  /** Admits nothing: a call inside of a request takes no fast path. */
  admit(): undefined
  /** Returns the probe that calls made now are part of. */
  probe(): Whole | undefined
  /** While the circuit is closed, returns the call that counts as one with a call made now. Only the first call does. */
  absorb(): Whole | undefined
}

/** A call, as its parts see it: the calls of the same breaker that count with it. */
export interface Whole extends GuardedRequest {
  /** The call that this one is part of itself. */
  readonly whole: Whole | undefined
  /** The state of the call that counts with it, if there is one. */
  part: 'open' | 'ended' | undefined
  /** The lease, if the call is a probe of the fleet. */
  lease: Lease | undefined
  /** How the call ended; a failure if a part has failed. */
  readonly outcome: Outcome | undefined
  /** Fails the call, since a part of it has failed. */
  fail(threw: boolean, payload: unknown): boolean
  /** Renews the lease of the call, if it is a probe. */
  renew(): void
}
