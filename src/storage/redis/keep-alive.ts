import { startTimer } from '../../base/timer.ts'

// When the timer expires does not matter: a pending one keeps the process alive.
const LONG = 2 ** 30

/** Keeps the process alive while an operation is pending, because neither connections nor deadlines do. */
export class KeepAlive {
  #pending = 0
  #release = (): void => {}
  #waiting: (() => void)[] = []

  /** Registers a pending operation. Returns a function that ends it. */
  begin(): () => void {
    if (this.#pending++ === 0) this.#release = startTimer(LONG, () => {}, true)
    return () => {
      if (--this.#pending > 0) return
      this.#release()
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Resolves when no operation is pending, or after `deadline` milliseconds. */
  ended(deadline: number): Promise<void> {
    if (this.#pending === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const stop = startTimer(deadline, resolve, true)
      this.#waiting.push(() => {
        stop()
        resolve()
      })
    })
  }
}
