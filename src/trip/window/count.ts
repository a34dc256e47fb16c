import { Window } from './window.ts'

const FAILED = 1
const SLOW = 2

/** The last `size` calls, in a ring buffer with running totals: O(1) per call. */
export class CountWindow extends Window {
  override readonly span: string
  override readonly timed = false
  readonly #ring: Uint8Array
  #next = 0

  constructor(size: number, span: string) {
    super()
    this.span = span
    this.#ring = new Uint8Array(size)
  }

  override add(failed: boolean, slow: boolean): void {
    const ring = this.#ring
    const next = this.#next
    if (this.calls === ring.length) {
      const oldest = ring[next]!
      if (oldest & FAILED) this.failures--
      if (oldest & SLOW) this.slow--
    } else this.calls++
    ring[next] = (failed ? FAILED : 0) | (slow ? SLOW : 0)
    if (failed) this.failures++
    if (slow) this.slow++
    this.#next = next + 1 === ring.length ? 0 : next + 1
  }

  override expire(): void {}

  override clear(): void {
    this.calls = this.failures = this.slow = this.#next = 0
  }
}
