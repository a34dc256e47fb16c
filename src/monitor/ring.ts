/** The newest entries of an unbounded, numbered sequence. Stores at most twice as many entries as its capacity. */
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

  /** Returns the entry with this number, or `undefined` if it is not stored. */
  at(number: number): T | undefined {
    return this.#entries[number - this.end + this.#entries.length]
  }

  /** The newest entries up to the capacity, oldest first. */
  get newest(): T[] {
    return this.#entries.slice(-this.#capacity)
  }

  /** Raises the capacity to at least `capacity`; it never shrinks. */
  widen(capacity: number): void {
    this.#capacity = Math.max(this.#capacity, capacity)
  }
}
