import { install, type Clock } from '@sinonjs/fake-timers'
import { seeded } from '../../src/testing/storage-kit/random.ts'
import { nextTick } from '../../test/helpers/next-tick.ts'

const BEGIN = 1_700_000_000_000

/**
 * Virtual time that jumps from one timer to the next, and randomness that depends on a seed, for all code of this
 * process until `end`. The library uses the standard clocks and `Math.random`, and is unaware of this.
 */
export class VirtualTime {
  readonly #timers: Clock
  readonly #random = Math.random
  readonly #ownNow = Object.getOwnPropertyDescriptor(performance, 'now')

  constructor(seed: number) {
    this.#timers = install({ now: BEGIN, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    // Not with the fake timers: they replace the whole `performance` object, and the library already holds the real
    // one.
    Object.defineProperty(performance, 'now', { value: () => this.now, configurable: true, writable: true })
    // A sequence different from the one that generates the traffic.
    Math.random = seeded(~seed)
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#timers.now - BEGIN
  }

  /** Runs everything that is due up to this time. */
  async runTo(time: number): Promise<void> {
    // Ensures that a timer exists to stop at.
    setTimeout(() => {}, time - this.now)
    while (this.now < time) {
      this.#timers.next()
      await nextTick()
    }
  }

  end(): void {
    this.#timers.uninstall()
    // Some runtimes define `now` on the object itself, others on its prototype.
    if (this.#ownNow) Object.defineProperty(performance, 'now', this.#ownNow)
    else Reflect.deleteProperty(performance, 'now')
    Math.random = this.#random
  }
}

/** Waits this many milliseconds of virtual time. */
export function pass(duration: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, duration))
}
