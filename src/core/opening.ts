import { openTime, type CircuitOptions } from './options.ts'
import { handleRejection } from '../base/outcome.ts'
import type { Reporter } from '../base/reporter.ts'
import { check } from '../base/validate.ts'

/** An opening that is decided but not yet made. */
export interface Opening {
  readonly reason: string
  readonly at: number
  readonly length: number
  readonly attempt: number
}

/** The failure that makes a circuit open. */
export interface Failure {
  readonly error?: unknown
  readonly result?: unknown
}

const DEFAULT_OPEN_TIME = 60_000

/** How long an opening lasts, in milliseconds. Bad answers of the user's function never wedge the circuit. */
export function lengthOf(
  { timeoutDuration, random }: CircuitOptions,
  reason: string,
  attempt: number,
  failure: Failure | undefined,
  reporter: Reporter,
): number {
  if (typeof timeoutDuration === 'number') return timeoutDuration
  try {
    const length = timeoutDuration({ attempt, reason, random: () => draw(random), ...failure })
    handleRejection(length)
    openTime(length, 'timeoutDuration()')
    return length
  } catch (error) {
    reporter.report(error)
    return DEFAULT_OPEN_TIME
  }
}

function draw(random: () => number): number {
  const drawn = random()
  handleRejection(drawn)
  check(typeof drawn === 'number' && drawn >= 0 && drawn <= 1, 'random()', 'a number from 0 up to 1', drawn)
  return drawn
}
