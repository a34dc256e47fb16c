/** The newest entries of a list that has no end, each with its number. It keeps at most twice as many as are wanted. */
export class Ring<T> {
  readonly #entries: T[] = []
  #capacity: number
  /** The number of the next entry. */
  end = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  push(entry: T): void {
    this.end++
    if (this.#entries.push(entry) >= 2 * this.#capacity) {
      this.#entries.splice(0, this.#entries.length - this.#capacity)
    }
  }

  /** The entry with this number, if it is among the newest. */
  at(number: number): T | undefined {
    return this.#entries[number - this.end + this.#entries.length]
  }

  /** The newest entries, the oldest first. */
  get newest(): T[] {
    return this.#entries.slice(-this.#capacity)
  }

  /** Keeps at least so many from now on. */
  widen(capacity: number): void {
    this.#capacity = Math.max(this.#capacity, capacity)
  }
}
