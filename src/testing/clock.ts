import type { Clock } from '../base/clock.ts'
import { check, checkFunction, nonNegative } from '../base/validate.ts'

interface Timer {
  readonly callback: () => void
  /** The reading at which it is due. */
  due: number
}

/**
 * A clock that advances only when a test moves it. It drives everything of the breakers that it is given to: open
 * times, windows, leases, durations, `callTimeout`, `ready()` and the checks of supervised calls. The timers of a
 * storage and of its fleet stay on the real time.
 *
 * @example
 * ```ts
 * import { CircuitBreaker } from 'recloser'
 * import { ManualClock } from 'recloser/testing'
 *
 * const clock = new ManualClock()
 * const breaker = new CircuitBreaker({ clock, timeoutDuration: 5_000, callTimeout: 100 })
 * const call = breaker.call(() => new Promise(() => {})).catch((error) => error.code)
 * clock.advance(100)
 * console.log(await call) // CALL_TIMEOUT
 *
 * breaker.open()
 * clock.advance(5_000)
 * console.log(breaker.state) // half-open
 * ```
 */
export class ManualClock implements Clock {
  #now: number
  // In the order in which they started.
  readonly #timers = new Set<Timer>()

  /**
   * Creates a clock whose first reading is `start`, in milliseconds; 0 unless given.
   *
   * @throws {TypeError | RangeError} when `start` is not a finite number.
   */
  constructor(start = 0) {
    this.#now = checkTime(start, 'start')
  }

  /** Returns the current reading, in milliseconds. */
  now(): number {
    return this.#now
  }

  /**
   * Advances the clock by `duration` milliseconds and runs the timers that are due, in order, with the clock at the
   * deadline of each. Promises react afterwards, so await the call that a timer ends before you check its result.
   *
   * @throws {TypeError | RangeError} when `duration` is not a finite number of at least 0.
   * @throws what a timer throws, once the clock has advanced; an `AggregateError` if several do.
   */
  advance(duration: number): void {
    nonNegative(duration, 'duration')
    this.#run(this.#now + duration)
  }

  /**
   * Advances the clock as `advance` does, but lets promises react before the first timer, between timers and after the
   * last. Use it where one timer leads to the next, as in a loop that retries.
   *
   * @throws {TypeError | RangeError} (as a rejection) when `duration` is not a finite number of at least 0.
   * @throws what a timer throws (as a rejection), once the clock has advanced; an `AggregateError` if several do.
   *
   * @example
   * ```ts
   * import { CircuitBreaker } from 'recloser'
   * import { ManualClock } from 'recloser/testing'
   *
   * const clock = new ManualClock()
   * const breaker = new CircuitBreaker({ clock, callTimeout: 100 })
   * const hang = () => breaker.call(() => new Promise(() => {}))
   * const twice = hang().catch(hang).catch(() => clock.now())
   * await clock.advanceAsync(1_000)
   * console.log(await twice) // 200
   * ```
   */
  async advanceAsync(duration: number): Promise<void> {
    nonNegative(duration, 'duration')
    const end = this.#now + duration
    const errors: unknown[] = []
    do await promisesReact()
    while (this.#runNext(end, errors))
    this.#finish(end, errors)
  }

  /**
   * Sets the reading, in milliseconds. A later one advances the clock. An earlier one simulates a clock that is set
   * back: no time passes, so no timer runs.
   *
   * @throws {TypeError | RangeError} when `time` is not a finite number.
   * @throws what a timer throws, as `advance` does.
   */
  set(time: number): void {
    const back = this.#now - checkTime(time, 'time')
    if (back <= 0) return this.#run(time)
    for (const timer of this.#timers) timer.due -= back
    this.#now = time
  }

  /**
   * Starts a timer that runs `callback` when the clock has advanced by `delay` milliseconds. Breakers call it.
   *
   * @returns a function that stops the timer.
   * @throws {TypeError | RangeError} when `callback` is not a function, or `delay` not a finite number of at least 0.
   */
  setTimer(callback: () => void, delay: number): () => void {
    checkFunction(callback, 'callback')
    nonNegative(delay, 'delay')
    const timer = { callback, due: this.#now + delay }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  #run(end: number): void {
    const errors: unknown[] = []
    while (this.#runNext(end, errors));
    this.#finish(end, errors)
  }

  /** Runs the next timer that is due by `end`. Returns false if there is none. */
  #runNext(end: number, errors: unknown[]): boolean {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.due <= end && (!next || timer.due < next.due)) next = timer
    }
    if (!next) return false
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, next.due)
    try {
      next.callback()
    } catch (error) {
      errors.push(error)
    }
    return true
  }

  #finish(end: number, errors: readonly unknown[]): void {
    this.#now = Math.max(this.#now, end) // a timer may have advanced the clock further by itself
    if (errors.length > 1) throw new AggregateError(errors, `${errors.length} timers threw`)
    if (errors.length > 0) throw errors[0]
  }
}

function checkTime(time: unknown, name: string): number {
  check(typeof time === 'number' && Number.isFinite(time), name, 'a finite number', time)
  return time
}

/** Resolves when all promises have reacted that can. Messages still arrive while the timers of the runtime are faked. */
async function promisesReact(): Promise<void> {
  if (!globalThis.MessageChannel) {
    // In jsdom. No chain of promises in a test is this long.
    for (let i = 0; i < 1_000; i++) await Promise.resolve()
    return
  }
  const { port1, port2 } = new MessageChannel()
  await new Promise((resolve) => {
    port1.addEventListener('message', resolve)
    port1.start()
    port2.postMessage(undefined)
  })
  port1.close()
}
