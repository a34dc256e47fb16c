import type { Circuit } from './circuit.ts'
import { follow } from '../base/signal.ts'
import { readOptions } from '../base/validate.ts'

/** The options of `CircuitBreaker.ready`. */
export interface ReadyOptions {
  /**
   * Ends the wait when it aborts: the promise rejects with the signal's reason. `null` is the same as none.
   *
   * @default no signal
   */
  readonly signal?: AbortSignal | null | undefined
}

/** Resolves when a call may be admitted. Rejects with the signal's reason if the signal aborts first. */
export function whenReady(circuit: Circuit, options: ReadyOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = readOptions<ReadyOptions>(options, { signal: () => {} }, 'ready options')
    const caller = follow(signal)
    if (caller?.aborted) return reject(caller.reason)
    let stopTimer: (() => void) | undefined
    let over = false
    const end = (): void => {
      over = true
      stopTimer?.()
      stopWaiting()
      caller?.leave()
    }
    const recheck = (): void => {
      if (over) return
      stopTimer?.()
      stopTimer = undefined
      const wait = circuit.retryAfter()
      if (wait === 0) {
        end()
        resolve()
      } else if (wait < Infinity) stopTimer = circuit.time.startTimer(wait, recheck, true)
    }
    const stopWaiting = circuit.onWake(recheck)
    if (caller) {
      caller.onAbort = (reason) => {
        end()
        reject(reason)
      }
    }
    recheck()
  })
}
