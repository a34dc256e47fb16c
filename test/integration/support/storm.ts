import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { CircuitBreakerOptions, CircuitBreakerRegistry } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { withRealTimers } from '../../helpers/real-timers.ts'
import { parameters } from '../../unit/model/parameters.ts'
import { delay, inFlight, settled } from './breakers.ts'

/** One request of a storm: what the server does, what the caller does, and when. */
export interface Ask {
  readonly path: string
  /** What the caller does with the response. */
  readonly use: 'read' | 'stream' | 'leave' | 'begin' | 'cancel'
  /** When the caller gives up, in milliseconds, and whether because of a timeout. */
  readonly abort: { readonly after: number; readonly timeout: boolean } | undefined
}

interface Step extends Ask {
  /** Milliseconds of real time (`pause`) and of the breaker's clock (`advance`) before the next request. */
  readonly pause: number
  readonly advance: number
}

/** A client under test. `ask` makes a request and resolves when the caller has finished with it. */
export interface StormClient {
  readonly registry: CircuitBreakerRegistry
  ask(ask: Ask, signal: AbortSignal | undefined): Promise<unknown>
}

const endless = ['/hang', '/stall', '/drip']
const paths = [
  '/ok',
  '/ok',
  '/json',
  '/status/500',
  '/status/404',
  '/busy/1',
  '/empty',
  '/reset',
  '/cut',
  '/big',
]

const step: fc.Arbitrary<Step> = fc.record({
  path: fc.constantFrom(...paths, ...endless),
  use: fc.constantFrom('read', 'stream', 'leave', 'begin', 'cancel'),
  abort: fc.option(fc.record({ after: fc.nat(15), timeout: fc.boolean() }), { nil: undefined, freq: 2 }),
  pause: fc.constantFrom(0, 0, 1, 5),
  advance: fc.constantFrom(0, 0, 50, 100),
})

/** Options with which breakers trip, probe and time out within a few requests. */
const options: fc.Arbitrary<CircuitBreakerOptions> = fc.record({
  failMax: fc.constantFrom(1, 2, 100),
  callTimeout: fc.constantFrom(undefined, 10),
  errorOnTrip: fc.boolean(),
  halfOpen: fc.constantFrom({ calls: 1 }, { calls: 3, successes: 2 }),
})

/**
 * Asserts that nothing is in flight after any sequence of requests, faults and aborts, and that the circuit still
 * works.
 */
export async function assertNoPermitIsLost(
  make: (breaker: CircuitBreakerOptions, releaseAfter: number) => StormClient,
): Promise<void> {
  const property = fc.asyncProperty(options, fc.array(step, { maxLength: 10 }), async (given, steps) => {
    const clock = withRealTimers(new ManualClock())
    const client = make({ ...given, clock, timeoutDuration: 100 }, 10)
    for (const { pause, advance, ...ask } of steps) {
      // A request that never ends by itself is ended by its caller.
      const abort = ask.abort ?? (endless.includes(ask.path) ? { after: 20, timeout: false } : undefined)
      client.ask(ask, abort && signalOf(abort)).catch(() => {})
      clock.advance(advance)
      if (pause > 0) await delay(pause)
    }
    // Do not wait for the callers: axios never finishes cancelling a body that stalls.
    await delay(1)
    await settled(client.registry)
    assert.equal(inFlight(client.registry), 0)
    for (const [, breaker] of client.registry) {
      clock.advance(3_600_000)
      assert.notEqual(breaker.tryAcquire(), undefined, `a circuit that is ${breaker.state} admits nothing`)
    }
  })
  await fc.assert(property, { ...parameters, numRuns: Math.ceil(parameters.numRuns / 25) })
}

function signalOf({ after, timeout }: { after: number; timeout: boolean }): AbortSignal {
  if (timeout) return AbortSignal.timeout(after)
  const controller = new AbortController()
  setTimeout(() => controller.abort(), after)
  return controller.signal
}

/** Handles a body as the caller of this request does. */
export async function consume(
  body: AsyncIterable<unknown> | null,
  { use }: Pick<Ask, 'use'>,
  cancel: () => unknown,
): Promise<void> {
  if (use === 'leave' || body === null) return
  if (use === 'cancel') await cancel()
  else for await (const _ of body) if (use === 'begin') return
}
