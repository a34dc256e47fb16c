import * as fc from 'fast-check'
import type { CircuitBreaker, CircuitBreakerState } from '../../../src/index.ts'
import type { CallCounts } from '../../../src/monitor/index.ts'
import type { ManualClock } from '../../../src/testing/index.ts'

/** A step that starts with a closed breaker, and leaves it closed. */
export interface Step {
  readonly kind: 'success' | 'failure' | 'ignored' | 'late' | 'rejected' | 'hang' | 'probe'
  /** The duration of the call in milliseconds, for the kinds that have one. */
  readonly duration: number
}

/** The expected counts. */
export interface Tally {
  readonly calls: { -readonly [Outcome in keyof CallCounts]: number }
  /** Durations of successes and failures, in milliseconds. */
  readonly durations: number[]
  readonly transitions: Map<string, number>
  inFlight: number
}

const duration = fc.oneof(fc.nat(10), fc.nat(100_000), fc.constantFrom(0, 1, 2, 64, 65_536, 65_537))

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('success', 'failure', 'ignored', 'late', 'rejected', 'hang', 'probe'),
    duration,
  }),
  { maxLength: 30 },
)

/** Performs all steps and counts them independently of the code under test. */
export function drive(breaker: CircuitBreaker, clock: ManualClock, list: readonly Step[]): Tally {
  const tally: Tally = {
    calls: { success: 0, failure: 0, ignored: 0, late: 0, rejected: 0 },
    durations: [],
    transitions: new Map(),
    inFlight: 0,
  }
  const passes = (...states: CircuitBreakerState[]): void => {
    states.slice(1).forEach((to, index) => {
      const key = `${states[index]}>${to}`
      tally.transitions.set(key, (tally.transitions.get(key) ?? 0) + 1)
    })
  }
  for (const step of list) {
    if (step.kind === 'hang') {
      breaker.acquire()
      tally.inFlight++
    } else if (step.kind === 'rejected') {
      breaker.open()
      breaker.tryAcquire()
      breaker.close()
      tally.calls.rejected++
      passes('closed', 'open', 'closed')
    } else if (step.kind === 'probe') {
      breaker.halfOpen()
      breaker.acquire().success()
      tally.calls.success++
      tally.durations.push(0)
      passes('closed', 'half-open', 'closed')
    } else {
      const { kind, duration } = step
      const permit = breaker.acquire()
      clock.advance(duration)
      tally.calls[kind]++
      if (kind === 'late') {
        breaker.isolate()
        breaker.close()
        passes('closed', 'isolated', 'closed')
      }
      if (kind === 'failure') permit.failure()
      else if (kind === 'ignored') permit.ignore()
      else permit.success()
      if (kind === 'success' || kind === 'failure') tally.durations.push(duration)
    }
  }
  return tally
}

/** The number of durations up to `bound`. */
export const atMost = ({ durations }: Tally, bound: number): number =>
  durations.filter((each) => each <= bound).length

export const sum = ({ durations }: Tally): number => durations.reduce((total, each) => total + each, 0)
