import { Counts } from './counts.ts'
import type { Probe } from './probe.ts'

/** The options of a half-open generation. */
interface Policy {
  readonly halfOpen: { readonly calls: number; readonly successes: number; readonly concurrent: number }
  readonly probeTimeout: number
}

/**
 * The half-open generation: admits a few calls as probes and decides as early as their results allow.
 * Invariants: in flight + completed ≤ `calls`; in flight ≤ `concurrent`; no lease outlives its deadline.
 */
export class HalfOpenGeneration extends Counts {
  readonly state = 'half-open'
  readonly scope = 'local'
  readonly timed = true
  readonly abandoned = false
  readonly #policy: Policy['halfOpen']
  readonly #lease: number
  // The lease that expires first comes first: all have the same length, and a renewed one moves to the end.
  readonly #probes = new Set<Probe>()

  constructor({ halfOpen, probeTimeout }: Policy) {
    super()
    this.#policy = halfOpen
    this.#lease = probeTimeout
  }

  /** The probes in flight whose leases have not expired. */
  get probes(): Iterable<Probe> {
    return this.#probes.keys()
  }

  get inFlight(): number {
    return this.#probes.size
  }

  /** Whether another probe may start. */
  get free(): boolean {
    const { calls, concurrent } = this.#policy
    return this.inFlight < concurrent && this.inFlight + this.calls < calls
  }

  /** When the next lease expires. */
  get firstDeadline(): number {
    return this.#oldest?.deadline ?? Infinity
  }

  /** Admits a probe and starts its lease. */
  admit(probe: Probe, now: number): void {
    probe.deadline = now + this.#lease
    this.#probes.add(probe)
  }

  has(probe: Probe): boolean {
    return this.#probes.has(probe)
  }

  /** Ends a probe. Returns false if its lease has expired before. */
  end(probe?: Probe): boolean {
    return probe !== undefined && this.#probes.delete(probe)
  }

  /** Restarts the lease of a probe, unless it has expired. Returns true: the probe goes on. */
  renew(probe: Probe, now: number): true {
    if (this.end(probe)) this.admit(probe, now)
    return true
  }

  /** Returns a probe whose lease has expired, the earliest first. */
  expired(now: number): Probe | undefined {
    return now >= this.firstDeadline ? this.#oldest : undefined
  }

  get #oldest(): Probe | undefined {
    return this.#probes.values().next().value
  }

  /** Counts a completed probe, which counts as failed if it was slow. Returns the verdict once there is one. */
  count(failed: boolean, slow: boolean): 'probeSucceeded' | 'probeFailed' | undefined {
    this.add(failed || slow, slow)
    const { calls, successes } = this.#policy
    if (this.successes >= successes) return 'probeSucceeded'
    return calls - this.failures < successes ? 'probeFailed' : undefined
  }
}
