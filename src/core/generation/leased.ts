import { Counts } from './counts.ts'
import type { Lease, Probe } from './probe.ts'

/** Provides the unused leases that a process holds. */
export interface LeaseSource {
  /** Whether the fleet cannot be reached or its record is unusable, so that no lease can be acquired. */
  readonly degraded: boolean
  /** The number of unused leases. */
  readonly held: number
  /** When acquiring a lease may succeed, in the breaker's time. */
  readonly acquireAt: number
  /** Takes a lease; `left` is its remaining time in milliseconds. */
  take(): { readonly lease: Lease; readonly left: number } | undefined
  /** Drops the leases that have expired. */
  expire(): void
}

/**
 * The half-open generation of a fleet, in one process. A process that holds a lease may send a probe. The record counts
 * the probes and decides.
 */
export class LeasedGeneration extends Counts {
  readonly state = 'half-open'
  readonly scope = 'fleet'
  readonly timed = true
  readonly #leases: LeaseSource
  // With the time at which half of its lease has passed.
  readonly #probes = new Map<Probe, number>()

  constructor(leases: LeaseSource) {
    super()
    this.#leases = leases
  }

  /** The probes in flight whose leases have not expired. */
  get probes(): Iterable<Probe> {
    return this.#probes.keys()
  }

  get inFlight(): number {
    return this.#probes.size
  }

  /** Whether it has not admitted a probe yet. */
  get untouched(): boolean {
    return this.inFlight + this.calls === 0
  }

  /** Whether the fleet cannot be reached and grants no more leases, so that the circuit must admit probes by itself. */
  get abandoned(): boolean {
    return this.#leases.degraded
  }

  get free(): boolean {
    return this.#leases.held > 0
  }

  /** When a call may be admitted. */
  get firstDeadline(): number {
    return this.#leases.acquireAt
  }

  admit(probe: Probe, now: number): void {
    const taken = this.#leases.take()
    if (!taken) return
    probe.lease = taken.lease
    probe.deadline = now + taken.left
    this.#probes.set(probe, now + taken.left / 2)
  }

  has(probe: Probe): boolean {
    return this.#probes.has(probe)
  }

  end(probe?: Probe): boolean {
    return probe !== undefined && this.#probes.delete(probe)
  }

  /**
   * Returns whether the probe goes on. The length of a lease is fixed when it is granted, so a call that has passed half
   * of it, and shows signs of life, gives it back before it expires.
   */
  renew(probe: Probe, now: number): boolean {
    return now < (this.#probes.get(probe) ?? Infinity)
  }

  expired(now: number): Probe | undefined {
    this.#leases.expire()
    for (const probe of this.#probes.keys()) if (now >= (probe.deadline ?? Infinity)) return probe
    return undefined
  }

  /** Counts a completed probe and returns the outcome to report to the fleet. A slow probe counts as failed. */
  count(failed: boolean, slow: boolean): 'probeSucceeded' | 'probeFailed' {
    const bad = failed || slow
    this.add(bad, slow)
    return bad ? 'probeFailed' : 'probeSucceeded'
  }
}
