import { Counts } from './counts.ts'
import type { Probe } from './probe.ts'

/** The options that a half-open period goes by. */
interface Policy {
  readonly halfOpen: { readonly calls: number; readonly successes: number; readonly concurrent: number }
  readonly probeTimeout: number
}

/**
 * One half-open period: lets a few calls through as probes and decides as early as their results allow.
 * Invariants: in flight + decided ≤ `calls`; in flight ≤ `concurrent`; no lease is held beyond its deadline.
 */
export class HalfOpenGeneration extends Counts {
  readonly state = 'half-open'
  readonly scope = 'local'
  readonly timed = true
  readonly abandoned = false
  readonly #policy: Policy['halfOpen']
  readonly #lease: number
  // The oldest lease first: all leases of a period are of the same length, and a renewed one goes to the end.
  readonly #probes = new Set<Probe>()

  constructor({ halfOpen, probeTimeout }: Policy) {
    super()
    this.#policy = halfOpen
    this.#lease = probeTimeout
  }

  get inFlight(): number {
    return this.#probes.size
  }

  /** Whether one more probe may start. */
  get free(): boolean {
    const { calls, concurrent } = this.#policy
    return this.inFlight < concurrent && this.inFlight + this.calls < calls
  }

  /** When the oldest lease ends. */
  get firstDeadline(): number {
    return this.#oldest?.deadline ?? Infinity
  }

  /** Gives a place to a probe, under a lease. */
  admit(probe: Probe, now: number): void {
    probe.deadline = now + this.#lease
    this.#probes.add(probe)
  }

  /** Takes the place back; false if the probe had none any more, because its lease has ended. */
  end(probe?: Probe): boolean {
    return probe !== undefined && this.#probes.delete(probe)
  }

  /** Begins the lease of a probe anew, if it still has its place. */
  renew(probe: Probe, now: number): void {
    if (this.end(probe)) this.admit(probe, now)
  }

  /** The probe whose lease ended first, if one has ended. */
  expired(now: number): Probe | undefined {
    return now >= this.firstDeadline ? this.#oldest : undefined
  }

  get #oldest(): Probe | undefined {
    return this.#probes.values().next().value
  }

  /** Counts one decided probe, which has failed too if it was slow; the verdict as soon as there is one. */
  count(failed: boolean, slow: boolean): 'probeSucceeded' | 'probeFailed' | undefined {
    this.add(failed || slow, slow)
    const { calls, successes } = this.#policy
    if (this.successes >= successes) return 'probeSucceeded'
    return calls - this.failures < successes ? 'probeFailed' : undefined
  }
}
