import assert from 'node:assert/strict'
import type { CircuitBreaker, CircuitBreakerRegistry } from '../../../src/index.ts'
import { eventsOf } from '../../helpers/events.ts'
import { until } from '../../helpers/until.ts'

/** The events of a breaker that say how its calls ended, as they come. */
export { eventsOf }

/** How many calls are in flight, of all breakers together. */
export function inFlight(registry: CircuitBreakerRegistry): number {
  return [...registry].reduce((sum, [, breaker]) => sum + breaker.snapshot().inFlight, 0)
}

/** Waits until nothing is in flight. Nothing else than time can tell, where a real server is asked. */
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

/** What became of the calls of a breaker: successes and failures since the state began, and those ignored. */
export function countsOf(breaker: CircuitBreaker): string {
  const { counts, ignored, rejected } = breaker.snapshot()
  return `${counts.successes} well, ${counts.failures} failed, ${ignored} ignored, ${rejected} rejected`
}

/**
 * What became of the calls that `act` makes of a breaker, in the words of `countsOf`; the circuit is closed to begin with.
 * When `act` is over, so are they.
 */
export async function judged(breaker: CircuitBreaker, act: () => unknown): Promise<string> {
  breaker.close()
  const before = breaker.snapshot()
  await act()
  const { counts, ignored, rejected, inFlight } = breaker.snapshot()
  assert.equal(inFlight, 0, 'a call is in flight')
  return `${counts.successes} well, ${counts.failures} failed, ${ignored - before.ignored} ignored, ${rejected - before.rejected} rejected`
}

/** The error that the promise rejects with. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Error & { readonly code?: unknown }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new assert.AssertionError({ message: 'Expected a rejection' })
}
