/** A breaker on a clock that a schedule advances, and the code that plays a schedule on it. */
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import type { CircuitBreakerError, CircuitBreakerOptions } from '../../../src/index.ts'
import { callAlong, classification, permits } from '../conformance/paths.ts'
import type { CallPath, RunningCall } from '../conformance/paths.ts'
import type { NaiveRejection } from './naive-breaker.ts'
import { patched } from './schedule.ts'
import type { Command } from './schedule.ts'
import { toOptions } from './settings.ts'
import type { Settings } from './settings.ts'

/** The clock that a breaker reads, and the time that has passed according to its readings. */
export class RawClock {
  raw = 0
  readonly readings: number[] = []
  #passed = 0

  now(): number {
    this.#passed = this.passed
    this.readings.push(this.raw)
    return this.raw
  }

  /** The time passed so far. A reading lower than the last means that no time has passed since. */
  get passed(): number {
    const last = this.readings.at(-1)
    return last === undefined ? this.raw : this.#passed + Math.max(0, this.raw - last)
  }
}

/** The result of a command. */
export interface Happening {
  readonly rejected?: NaiveRejection
  readonly admitted?: number
  readonly applied?: boolean
  readonly changed?: boolean
}

const rejected = ({ reason, retryAfter }: CircuitBreakerError): Happening => ({
  rejected: { reason, retryAfter },
})

export class Rig {
  readonly clock = new RawClock()
  readonly breaker: CircuitBreaker
  /** Every admitted call of a `start` command, in order. */
  readonly calls: RunningCall[] = []
  readonly transitions: string[] = []
  /** The reasons of `wouldTrip`. */
  readonly alarms: string[] = []
  readonly path: CallPath
  settings: Settings

  constructor(settings: Settings, path: CallPath = permits, more: CircuitBreakerOptions = {}) {
    this.settings = settings
    this.path = path
    this.breaker = new CircuitBreaker({
      name: 'rig',
      ...toOptions(settings),
      ...classification,
      clock: this.clock,
      onListenerError: () => {},
      ...more,
    })
    this.breaker.addListener({
      stateChange: ({ from, to, reason }) => this.transitions.push(`${from}->${to} (${reason})`),
      wouldTrip: ({ reason }) => this.alarms.push(reason),
    })
  }

  async play(commands: readonly Command[]): Promise<readonly Happening[]> {
    const happenings: Happening[] = []
    for (const command of commands) happenings.push(await this.perform(command))
    return happenings
  }

  async perform(command: Command): Promise<Happening> {
    const { breaker } = this
    switch (command.do) {
      case 'start': {
        const call = await this.path.start(breaker)
        if (isCircuitBreakerError(call)) return rejected(call)
        return { admitted: this.calls.push(call) - 1 }
      }
      case 'finish': {
        const applied = await this.calls[command.which % this.calls.length]?.settle({
          outcome: command.outcome,
        })
        return applied === undefined ? {} : { applied }
      }
      case 'call': {
        const during = (): void => this.wait(command.took)
        const done = await callAlong(this.path, breaker, { outcome: command.outcome }, during)
        return isCircuitBreakerError(done) ? rejected(done) : { applied: done }
      }
      case 'wait':
        this.wait(command.ms)
        return {}
      case 'read':
        this.read()
        return {}
      case 'configure': {
        const before = this.settings
        this.settings = patched(before, command.patch)
        const { trip, ...periodic } = this.settings
        breaker.configure(toOptions(trip === before.trip ? periodic : { trip }))
        return {}
      }
      case 'mode':
        breaker.mode = command.mode
        return {}
      case 'open':
        return { changed: breaker.open(command.for === undefined ? {} : { for: command.for }) }
      case 'halfOpen':
      case 'close':
      case 'isolate':
        return { changed: breaker[command.do]() }
      default:
        return command satisfies never
    }
  }

  wait(ms: number): void {
    this.clock.raw += ms
  }

  /** Reads everything but what depends on the wall clock. */
  read(): Readings {
    const { breaker } = this
    const { attempt, tripReason, counts, inFlight, rejected, late, ignored, ...rest } = breaker.snapshot()
    return {
      state: breaker.state,
      retryAfter: breaker.retryAfter,
      failCounter: breaker.failCounter,
      attempt,
      tripReason,
      counts: { ...counts },
      rates: { failureRate: rest.failureRate, slowCallRate: rest.slowCallRate },
      totals: { inFlight, rejected, late, ignored },
    }
  }
}

/** Everything that can be read of a breaker or of its model. */
export interface Readings {
  readonly state: string
  readonly retryAfter: number
  readonly failCounter: number
  readonly attempt: number
  readonly tripReason: string | null
  readonly counts: {
    readonly calls: number
    readonly successes: number
    readonly failures: number
    readonly slow: number
  }
  readonly rates: { readonly failureRate: number | null; readonly slowCallRate: number | null }
  readonly totals: {
    readonly inFlight: number
    readonly rejected: number
    readonly late: number
    readonly ignored: number
  }
}

/** Returns readings as monotonic time: a step back takes no time, and time continues from there. */
export function monotoneImage(readings: readonly number[]): readonly number[] {
  let time = readings[0] ?? 0
  return readings.map((reading, index) => {
    time += Math.max(0, reading - (readings[index - 1] ?? reading))
    return time
  })
}
