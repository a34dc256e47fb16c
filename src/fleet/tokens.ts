/** What may be done at once, so often and no oftener: a bucket that fills again with time. */
export class Tokens {
  readonly #most: number
  readonly #each: number
  #left: number
  #at: number | undefined

  /** `most` at first, and one more per `each` ms up to that. */
  constructor(most: number, each: number) {
    this.#most = this.#left = most
    this.#each = each
  }

  /** Takes one, if there is one. */
  take(now: number): boolean {
    this.#left = Math.min(this.#most, this.#left + (now - (this.#at ?? now)) / this.#each)
    this.#at = now
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}
