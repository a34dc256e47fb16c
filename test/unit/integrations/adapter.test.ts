import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { superviseCall } from '../../../src/integrations/adapter.ts'
import { CircuitBreaker, isCircuitBreakerError } from '../../../src/index.ts'
import { anotherCopy } from '../../helpers/another-copy.ts'

describe('superviseCall', () => {
  it('takes a permit, and gives it back when the call is settled', () => {
    const breaker = new CircuitBreaker()
    const call = superviseCall(breaker)
    assert.equal(breaker.snapshot().inFlight, 1)
    call.succeed()
    assert.deepEqual([breaker.snapshot().inFlight, breaker.snapshot().counts.successes], [0, 1])
  })

  it('throws the rejection of an open circuit', () => {
    const breaker = new CircuitBreaker()
    breaker.open()
    assert.throws(() => superviseCall(breaker), isCircuitBreakerError)
  })

  it('reacts to the signal of the caller', () => {
    const breaker = new CircuitBreaker()
    const caller = new AbortController()
    superviseCall(breaker, { signal: caller.signal })
    caller.abort()
    assert.deepEqual([breaker.snapshot().inFlight, breaker.snapshot().ignored], [0, 1])
  })

  const Other = anotherCopy('this realm').CircuitBreaker
  for (const [title, breaker] of Object.entries({
    undefined,
    null: null,
    'an object': {},
    'what looks like one': { acquire: () => ({}), options: {} },
    'one of another copy of the package': new Other(),
  })) {
    it(`refuses ${title}`, () => {
      assert.throws(() => superviseCall(breaker as never), {
        name: 'TypeError',
        message: /^Expected `breaker` to be a CircuitBreaker of this copy of the package, got /,
      })
    })
  }

  it('refuses bad options, and takes no permit then', () => {
    const breaker = new CircuitBreaker()
    assert.throws(
      () => superviseCall(breaker, { signal: {} as never }),
      /Expected `signal` to be an AbortSignal/,
    )
    assert.throws(() => superviseCall(breaker, { sginal: undefined } as never), /superviseCall options/)
    assert.equal(breaker.snapshot().inFlight, 0)
  })
})
