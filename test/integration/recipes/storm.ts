import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import type { CircuitBreaker } from '../../../src/index.ts'
import { parameters } from '../../unit/model/parameters.ts'
import { delay } from '../support/breakers.ts'

/** One call of a storm: what the server is asked to do, and what its caller does. */
export interface Ask {
  readonly request: string
  readonly streams: boolean
  readonly caller: 'waits' | 'cancels' | 'has a deadline'
  /** When the caller gives up, in milliseconds. */
  readonly after: number
}

const ask: fc.Arbitrary<Ask> = fc.record({
  request: fc.constantFrom('Hello', '5', '13', '14', 'hang'),
  streams: fc.boolean(),
  caller: fc.constantFrom('waits', 'cancels', 'has a deadline'),
  after: fc.nat(8),
})

/** Asserts that nothing is in flight after any calls, faults and cancellations. */
export async function assertNoPermitIsLost(
  breaker: CircuitBreaker,
  call: (ask: Ask) => Promise<unknown>,
): Promise<void> {
  const property = fc.asyncProperty(fc.array(ask, { maxLength: 8 }), fc.boolean(), async (asks, halfOpen) => {
    breaker.close()
    if (halfOpen) breaker.halfOpen()
    await Promise.all(
      asks.map((each) => {
        // A call that never ends by itself is ended by its caller.
        const endless = each.request === 'hang' && each.caller === 'waits'
        return call(endless ? { ...each, caller: 'cancels' } : each)
      }),
    )
    for (let wait = 0; breaker.snapshot().inFlight > 0 && wait < 200; wait++) await delay(5)
    assert.equal(breaker.snapshot().inFlight, 0)
  })
  await fc.assert(property, { ...parameters, numRuns: Math.ceil(parameters.numRuns / 25) })
}
