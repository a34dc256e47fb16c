/** Notifies its subscribers of a change. */
export class Topic {
  readonly #subscribers = new Set<() => void>()
  /** The number of changes so far. */
  version = 0

  /** Adds a subscriber. Returns a function that removes it. */
  subscribe(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  publish(): void {
    this.version++
    for (const subscriber of this.#subscribers) subscriber()
  }
}
