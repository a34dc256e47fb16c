import type { ResolvedOptions } from '../options.ts'

/** A call that is admitted as a probe has a lease: past its deadline it counts as failed. */
export interface Probe {
  deadline: number
}

/**
 * One half-open period: lets a few calls through as probes and decides as early as their results allow.
 * Invariants: in flight + decided ≤ `calls`; in flight ≤ `concurrent`; no lease is held beyond its deadline.
 */
export class HalfOpenGeneration {
  readonly state = 'half-open'
  readonly timed = true
  successes = 0
  failures = 0
  slow = 0
  run = 0
  readonly #policy: ResolvedOptions['halfOpen']
  readonly #lease: number
  readonly #probes = new Set<Probe>()
  #firstDeadline: number | undefined = Infinity

  constructor({ halfOpen, probeTimeout }: ResolvedOptions) {
    this.#policy = halfOpen
    this.#lease = probeTimeout
  }

  get inFlight(): number {
    return this.#probes.size
  }

  /** Whether one more probe may start. */
  get free(): boolean {
    const { calls, concurrent } = this.#policy
    return this.inFlight < concurrent && this.inFlight + this.successes + this.failures < calls
  }

  /** When the oldest lease ends. */
  get firstDeadline(): number {
    if (this.#firstDeadline === undefined) {
      this.#firstDeadline = Infinity
      for (const { deadline } of this.#probes)
        if (deadline < this.#firstDeadline) this.#firstDeadline = deadline
    }
    return this.#firstDeadline
  }

  /** Gives a place to a probe, under a lease. */
  enter(probe: Probe, now: number): void {
    const deadline = now + this.#lease
    probe.deadline = deadline
    this.#probes.add(probe)
    if (this.#firstDeadline !== undefined && deadline < this.#firstDeadline) this.#firstDeadline = deadline
  }

  /** Takes the place back; false if the probe had none any more, because its lease has ended. */
  leave(probe: Probe): boolean {
    if (probe.deadline === this.#firstDeadline) this.#firstDeadline = undefined
    return this.#probes.delete(probe)
  }

  /** Begins the lease of a probe anew, if it still has its place. */
  renew(probe: Probe, now: number): void {
    if (this.leave(probe)) this.enter(probe, now)
  }

  /** The probe whose lease ended first, if one has ended. */
  expired(now: number): Probe | undefined {
    const first = this.firstDeadline
    if (!(now >= first)) return undefined
    for (const probe of this.#probes) if (probe.deadline === first) return probe
    return undefined
  }

  /** Counts one decided probe; the verdict as soon as there is one. A slow probe is a failed one. */
  record(
    failed: boolean,
    duration: number,
    _now: number,
    slowerThan: number,
  ): 'probeSucceeded' | 'probeFailed' | undefined {
    const slow = duration > slowerThan
    if (slow) this.slow++
    if (failed || slow) {
      this.failures++
      this.run++
    } else {
      this.successes++
      this.run = 0
    }
    const { calls, successes } = this.#policy
    if (this.successes >= successes) return 'probeSucceeded'
    return calls - this.failures < successes ? 'probeFailed' : undefined
  }
}
