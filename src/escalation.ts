/** How often a circuit has opened without a recovery in between, and how that is forgotten after one. */
export class Escalation {
  #attempt = 0
  #closedAt: number | undefined
  // By the wall clock, if it was closed before the breaker was there.
  #closedSince = 0

  /** Goes on where a snapshot was taken. */
  restore(attempt: number, takenAt: number): void {
    this.#attempt = attempt
    this.#closedSince = takenAt
  }

  set(attempt: number): void {
    this.#attempt = attempt
  }

  /** The circuit closes; `recoveredAt`: when probes have shown that the dependency is well. Else all is forgotten. */
  close(recoveredAt: number | undefined, decay: number): void {
    if (recoveredAt === undefined || decay === 0) this.#attempt = 0
    this.#closedAt = recoveredAt
  }

  /** How far it has come; while closed, what of it has not been forgotten yet: one attempt in `decay` ms. */
  read(closed: boolean, now: number, decay: number): number {
    if (!closed || this.#attempt === 0) return this.#attempt
    this.#closedAt ??= now - Math.max(0, Date.now() - this.#closedSince)
    return decay > 0 ? Math.max(0, this.#attempt - Math.floor((now - this.#closedAt) / decay)) : 0
  }
}
