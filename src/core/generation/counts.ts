/** The base of all generations: counts the calls that they admitted and that have ended. */
export abstract class Counts {
  successes = 0
  failures = 0
  slow = 0
  /** Consecutive failures. Not part of a window, since they do not expire. */
  declare consecutive: number

  constructor(consecutive = 0) {
    this.consecutive = consecutive
  }

  protected add(failed: boolean, slow: boolean): void {
    if (slow) this.slow++
    if (failed) {
      this.failures++
      this.consecutive++
    } else {
      this.successes++
      this.consecutive = 0
    }
  }

  get calls(): number {
    return this.successes + this.failures
  }

  clear(): void {
    this.successes = this.failures = this.slow = this.consecutive = 0
  }
}
