/** A source of random numbers from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number

/** Returns a source that repeats its numbers for the same seed (mulberry32, by Tommy Ettinger). */
export function seeded(seed: number): Random {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Random choices. */
export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** Returns an integer from `least` to `most`, both inclusive. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1))
  }

  /** Returns `true` with probability 1 / `n`. */
  oneIn(n: number): boolean {
    return this.#random() * n < 1
  }

  pick<T>(...from: readonly [T, ...T[]]): T {
    return from[this.integer(0, from.length - 1)] ?? from[0]
  }

  /** Returns one of the last five elements, or `undefined` if the list is empty. */
  recent<T>(list: readonly T[]): T | undefined {
    return list[list.length - 1 - this.integer(0, Math.min(4, Math.max(0, list.length - 1)))]
  }
}
