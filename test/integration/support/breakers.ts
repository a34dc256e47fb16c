import assert from 'node:assert/strict'
import type { CircuitBreaker, CircuitBreakerRegistry } from '../../../src/index.ts'
import { eventsOf } from '../../helpers/events.ts'
import { until } from '../../helpers/until.ts'

/** Collects the events of a breaker that report how its calls end, in order. */
export { eventsOf }

/** The number of calls in flight, across all breakers of the registry. */
export function inFlight(registry: CircuitBreakerRegistry): number {
  return [...registry].reduce((sum, [, breaker]) => sum + breaker.snapshot().inFlight, 0)
}

/** Waits in real time until nothing is in flight, because the servers are real. */
export async function settled(registry: CircuitBreakerRegistry, within = 5_000): Promise<void> {
  await until(
    () => inFlight(registry) === 0,
    () => `no call is in flight, of ${inFlight(registry)}`,
    within,
  )
}

export function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/**
 * The outcomes of a breaker's calls: successes and failures in the current state, and the ignored and rejected ones.
 */
export function countsOf(breaker: CircuitBreaker): string {
  const { counts, ignored, rejected } = breaker.snapshot()
  return `${counts.successes} succeeded, ${counts.failures} failed, ${ignored} ignored, ${rejected} rejected`
}

/**
 * The outcomes of the calls that `act` makes, in the format of `countsOf`. The circuit is closed first, and no call may
 * be in flight when `act` returns.
 */
export async function judged(breaker: CircuitBreaker, act: () => unknown): Promise<string> {
  breaker.close()
  const before = breaker.snapshot()
  await act()
  const { counts, ignored, rejected, inFlight } = breaker.snapshot()
  assert.equal(inFlight, 0, 'a call is in flight')
  return `${counts.successes} succeeded, ${counts.failures} failed, ${ignored - before.ignored} ignored, ${rejected - before.rejected} rejected`
}

/** Returns the error that the promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Error & { readonly code?: unknown }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new assert.AssertionError({ message: 'Expected a rejection' })
}
