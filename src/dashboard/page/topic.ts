/** Tells those who subscribe to it that something has changed. */
export class Topic {
  readonly #subscribers = new Set<() => void>()
  /** How often something has changed. */
  version = 0

  /** Returns what ends the subscription. */
  subscribe(subscriber: () => void): () => void {
    this.#subscribers.add(subscriber)
    return () => this.#subscribers.delete(subscriber)
  }

  publish(): void {
    this.version++
    for (const subscriber of this.#subscribers) subscriber()
  }
}
