import { setMaxListeners } from 'node:events'

const TICK = 25 // ms; at a high rate, each tick makes several calls

/** Calls the targets in turn, `rate` times per second in all, until it is stopped. */
export class Traffic {
  /** Calls per second of all targets together. */
  rate: number
  readonly #targets: readonly { call(signal: AbortSignal): Promise<void> }[]
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #last = performance.now()
  #due = 0
  #next = 0

  constructor(targets: readonly { call(signal: AbortSignal): Promise<void> }[], rate: number) {
    this.#targets = targets
    this.rate = rate
    // Each call in flight has a listener, so a large number of them is no leak.
    setMaxListeners(0, this.#stop.signal)
    this.#timer = setInterval(() => this.#tick(), TICK)
  }

  #tick(): void {
    const now = performance.now()
    // After a pause, such as a laptop's sleep, at most a second's calls are made up for.
    const passed = Math.min(now - this.#last, 1_000)
    this.#last = now
    this.#due += (passed / 1_000) * this.rate
    for (; this.#due >= 1; this.#due--) this.#call()
  }

  #call(): void {
    const target = this.#targets[this.#next++ % this.#targets.length]!
    const call = target.call(this.#stop.signal).finally(() => this.#running.delete(call))
    this.#running.add(call)
  }

  /** Stops the traffic, and ends the calls in flight. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await Promise.all(this.#running)
  }
}
