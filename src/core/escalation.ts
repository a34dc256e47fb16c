/** How often a circuit has opened without a recovery in between, and how that is forgotten after one. */
export class Escalation {
  #attempt: number
  #closedAt: number | undefined
  readonly #closedSince: number

  /** `closedSince`: by the wall clock, if the circuit was closed before the breaker was there. */
  constructor(attempt = 0, closedSince = 0) {
    this.#attempt = attempt
    this.#closedSince = closedSince
  }

  set(attempt: number): void {
    this.#attempt = attempt
  }

  /** Probes have shown that the dependency is well: from now on it is forgotten step by step. */
  close(now: number): void {
    this.#closedAt = now
  }

  /** How far it has come; while closed, what of it has not been forgotten yet: one attempt in `decay` ms. */
  read(closed: boolean, now: number, decay: number): number {
    if (!closed || this.#attempt === 0) return this.#attempt
    this.#closedAt ??= now - Math.max(0, Date.now() - this.#closedSince)
    return decay > 0 ? Math.max(0, this.#attempt - Math.floor((now - this.#closedAt) / decay)) : 0
  }
}
