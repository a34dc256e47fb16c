/** A source of randomness: numbers from 0 up to 1. */
export type Random = () => number

/** The same numbers for the same seed (mulberry32, by Tommy Ettinger). */
export function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Choices from a source of randomness. */
export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** An integer from `least` to `most`. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1))
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.#random() * n < 1
  }

  pick<T>(...from: readonly [T, ...T[]]): T {
    return from[this.integer(0, from.length - 1)] ?? from[0]
  }

  /** One of the newest five, if there is any. */
  recent<T>(list: readonly T[]): T | undefined {
    return list[list.length - 1 - this.integer(0, Math.min(4, Math.max(0, list.length - 1)))]
  }
}
