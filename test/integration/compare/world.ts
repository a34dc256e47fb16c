import type { Clock } from '@sinonjs/fake-timers'
import { OPEN_FOR } from './library.ts'
import type { Guard, Library, Settings, Task } from './library.ts'

/** One call through a breaker, as seen by its caller. */
export interface Attempt {
  /** Whether the task was started. */
  ran: boolean
  /** The signal that the task received. */
  signal: AbortSignal | undefined
  outcome: 'pending' | 'fulfilled' | 'rejected'
  value: unknown
  error: unknown
}

/** A call whose task ends when the scenario decides. */
export interface HeldAttempt extends Attempt {
  succeed(value?: unknown): Promise<void>
  fail(error?: unknown): Promise<void>
}

export const succeed = async (): Promise<string> => 'fine'
const fail = async (): Promise<never> => {
  throw new Error('the dependency failed')
}

/** The environment of one scenario: one library, virtual time, and the uncaught errors. */
export class World {
  readonly library: Library
  readonly uncaught: unknown[] = []
  readonly #clock: Clock
  readonly #flush: () => Promise<void>
  readonly #guards: Guard[] = []

  constructor(library: Library, clock: Clock, flush: () => Promise<void>) {
    this.library = library
    this.#clock = clock
    this.#flush = flush
  }

  guard(settings: Settings): Guard {
    return this.track(this.library.guard(settings))
  }

  track(guard: Guard): Guard {
    this.#guards.push(guard)
    return guard
  }

  dispose(): void {
    for (const guard of this.#guards) guard.dispose()
  }

  /** The number of pending timers. */
  get timers(): number {
    return this.#clock.countTimers()
  }

  /** Advances virtual time. Records errors thrown by timer callbacks, which would have ended the process. */
  async pass(ms: number): Promise<void> {
    try {
      await this.#clock.tickAsync(ms)
    } catch (error) {
      this.uncaught.push(error)
    }
    await this.#flush()
  }

  /** Sets only the wall clock, as an administrator does, or as after a process was frozen; no time passes. */
  setWallClock(by: number): void {
    this.#clock.setSystemTime(Date.now() + by)
  }

  /** Switches to the real timers and clocks. */
  realTime(): void {
    this.#clock.uninstall()
  }

  async attempt(guard: Guard, task: Task = succeed, signal?: AbortSignal): Promise<Attempt> {
    const attempt = this.#start(guard, task, signal)
    await this.#flush()
    return attempt
  }

  async hold(guard: Guard): Promise<HeldAttempt> {
    let resolve!: (value: unknown) => void
    let reject!: (error: unknown) => void
    const held = new Promise<unknown>((...settle) => ([resolve, reject] = settle))
    const attempt = this.#start(guard, () => held)
    await this.#flush()
    return Object.assign(attempt, {
      succeed: (value: unknown = 'fine') => (resolve(value), this.#flush()),
      fail: (error: unknown = new Error('the dependency failed')) => (reject(error), this.#flush()),
    })
  }

  async holdMany(guard: Guard, count: number): Promise<HeldAttempt[]> {
    return Promise.all(Array.from({ length: count }, () => this.hold(guard)))
  }

  async succeed(guard: Guard, count = 1): Promise<void> {
    for (let n = 0; n < count; n++) await this.#quietly(guard, succeed)
  }

  async fail(guard: Guard, count = 1): Promise<void> {
    for (let n = 0; n < count; n++) await this.#quietly(guard, fail)
  }

  /** Opens the circuit with three failures and waits until a probe is due. */
  async tripAndWait(guard: Guard, openFor = OPEN_FOR): Promise<void> {
    await this.fail(guard, 3)
    await this.pass(openFor)
  }

  #start(guard: Guard, task: Task, signal?: AbortSignal): Attempt {
    const attempt: Attempt = {
      ran: false,
      signal: undefined,
      outcome: 'pending',
      value: undefined,
      error: undefined,
    }
    const run: Task = (given) => {
      attempt.ran = true
      attempt.signal = given
      return task(given)
    }
    guard.call(run, signal).then(
      (value) => Object.assign(attempt, { outcome: 'fulfilled', value }),
      (error: unknown) => Object.assign(attempt, { outcome: 'rejected', error }),
    )
    return attempt
  }

  async #quietly(guard: Guard, task: Task): Promise<void> {
    await guard.call(task).catch(() => {})
  }
}

/** A task that ends only when its signal aborts, as `fetch` does. */
export const untilAborted: Task = (signal) =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () =>
      reject(new DOMException('This operation was aborted', 'AbortError')),
    )
  })
