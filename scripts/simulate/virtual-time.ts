import { install, type Clock } from '@sinonjs/fake-timers'
import { seeded } from '../../src/testing/storage-kit/random.ts'
import { nextTick } from '../../test/helpers/next-tick.ts'

const BEGIN = 1_700_000_000_000

/**
 * Time that passes from one timer to the next, and chance that depends on a seed, for all code of this process until
 * `end`. The library reads the time and chance where everybody does; nothing in it knows of this.
 */
export class VirtualTime {
  readonly #timers: Clock
  readonly #random = Math.random
  readonly #ownNow = Object.getOwnPropertyDescriptor(performance, 'now')

  constructor(seed: number) {
    this.#timers = install({ now: BEGIN, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    // Not by the fake timers: they put another object in its place, and the library has the real one in hand.
    Object.defineProperty(performance, 'now', { value: () => this.now, configurable: true, writable: true })
    // Not the numbers that the traffic is made of.
    Math.random = seeded(~seed)
  }

  /** Milliseconds since it began. */
  get now(): number {
    return this.#timers.now - BEGIN
  }

  /** Lets everything happen up to this time. */
  async runTo(time: number): Promise<void> {
    // So that there is a timer to stop at.
    setTimeout(() => {}, time - this.now)
    while (this.now < time) {
      this.#timers.next()
      await nextTick()
    }
  }

  end(): void {
    this.#timers.uninstall()
    // Some runtimes have it on the object itself, others where that inherits from.
    if (this.#ownNow) Object.defineProperty(performance, 'now', this.#ownNow)
    else Reflect.deleteProperty(performance, 'now')
    Math.random = this.#random
  }
}

/** In virtual time. */
export function pass(duration: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, duration))
}
