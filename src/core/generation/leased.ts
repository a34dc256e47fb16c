import { Counts } from './counts.ts'
import type { Lease, Probe } from './probe.ts'

/** Where a process keeps the leases that it holds and nobody uses yet. */
export interface LeaseSource {
  /** Whether there is no fleet to ask for one. */
  readonly degraded: boolean
  /** How many there are. */
  readonly held: number
  /** When asking for one makes sense, by the breaker's time. */
  readonly acquireAt: number
  /** Takes one, with what is left of it in milliseconds. */
  take(): { readonly lease: Lease; readonly left: number } | undefined
  /** Gives up those that have ended. */
  expire(): void
}

/**
 * One half-open period of a fleet, as one process sees it: whoever holds a lease may send a probe. The record counts
 * the probes and decides.
 */
export class LeasedGeneration extends Counts {
  readonly state = 'half-open'
  readonly scope = 'fleet'
  readonly timed = true
  readonly #leases: LeaseSource
  readonly #probes = new Set<Probe>()

  constructor(leases: LeaseSource) {
    super()
    this.#leases = leases
  }

  get inFlight(): number {
    return this.#probes.size
  }

  /** Whether no probe of it has been sent. */
  get untouched(): boolean {
    return this.inFlight + this.calls === 0
  }

  /** Whether the fleet cannot be reached, so that it grants no more leases: the circuit probes by itself. */
  get abandoned(): boolean {
    return this.#leases.degraded
  }

  get free(): boolean {
    return this.#leases.held > 0
  }

  /** When a call may find a place. */
  get firstDeadline(): number {
    return this.#leases.acquireAt
  }

  admit(probe: Probe, now: number): void {
    const taken = this.#leases.take()
    if (!taken) return
    probe.lease = taken.lease
    probe.deadline = now + taken.left
    this.#probes.add(probe)
  }

  end(probe?: Probe): boolean {
    return probe !== undefined && this.#probes.delete(probe)
  }

  /** Only the store could, and it does not: a lease is as long as it was granted. */
  renew(): void {}

  expired(now: number): Probe | undefined {
    this.#leases.expire()
    for (const probe of this.#probes) if (now >= (probe.deadline ?? Infinity)) return probe
    return undefined
  }

  /** What the fleet is to be told of a probe. A slow one has failed. */
  count(failed: boolean, slow: boolean): 'probeSucceeded' | 'probeFailed' {
    const bad = failed || slow
    this.add(bad, slow)
    return bad ? 'probeFailed' : 'probeSucceeded'
  }
}
