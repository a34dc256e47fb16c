import type { ManualClock } from '../../src/testing/index.ts'

/** Leaves timeouts to the timers of the runtime, for tests whose requests take real time. */
export function withRealTimers(clock: ManualClock): ManualClock {
  return Object.defineProperty(clock, 'setTimer', { value: undefined })
}
