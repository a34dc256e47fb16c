import { startTimer } from '../../base/timer.ts'

// Its end does not matter: a timer that runs is what a process stays for.
const LONG = 2 ** 30

/** Keeps the process alive while an operation is pending: neither connections nor deadlines do that. */
export class KeepAlive {
  #pending = 0
  #release = (): void => {}
  #waiting: (() => void)[] = []

  /** An operation begins. Returns what ends it. */
  begin(): () => void {
    if (this.#pending++ === 0) this.#release = startTimer(LONG, () => {}, true)
    return () => {
      if (--this.#pending > 0) return
      this.#release()
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Resolves when no operation is pending, or after a time in ms. */
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
