import { startTimer } from '../../base/timer.ts'

// Its end does not matter: it is there to be held by.
const LONG = 2 ** 30

/** Keeps the process alive while an operation is pending: neither connections nor deadlines do that. */
export class Hold {
  #holders = 0
  #release = (): void => {}
  #waiting: (() => void)[] = []

  /** Returns what ends it. */
  take(): () => void {
    if (this.#holders++ === 0) this.#release = startTimer(LONG, () => {}, true)
    return () => {
      if (--this.#holders > 0) return
      this.#release()
      for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  /** Resolves when nobody holds it, or after a time in ms. */
  none(deadline: number): Promise<void> {
    if (this.#holders === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const stop = startTimer(deadline, resolve, true)
      this.#waiting.push(() => {
        stop()
        resolve()
      })
    })
  }
}
