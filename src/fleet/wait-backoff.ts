import type { MonotonicTime } from '../base/clock.ts'
import { withLimits } from '../storage/contract/with-limits.ts'

const FIRST_PAUSE = 1_000
const MAX_PAUSE = 30_000

/** Lets calls wait for the store. After a wait has timed out, none waits for 1 s, doubling to 30 s (F28). */
export class WaitBackoff {
  readonly #time: MonotonicTime
  #resumeAt = -Infinity
  #pause = FIRST_PAUSE

  constructor(time: MonotonicTime) {
    this.#time = time
  }

  /** Whether a call may wait. */
  get mayWait(): boolean {
    return this.#time.now() >= this.#resumeAt
  }

  /**
   * Waits for `answer`, at most `deadline` milliseconds. Rejects only with the signal's reason, when the signal aborts.
   */
  async wait(answer: Promise<void>, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await withLimits('wait', () => answer, { deadline, signal })
      this.#pause = FIRST_PAUSE
    } catch {
      signal?.throwIfAborted()
      if (!this.mayWait) return // calls that wait at the same time count once
      this.#resumeAt = this.#time.now() + this.#pause
      this.#pause = Math.min(MAX_PAUSE, this.#pause * 2)
    }
  }
}
