import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  consecutiveFailures,
  slowCallRate,
  type CircuitBreakerPatch,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { CountingClock } from '../../helpers/counting-clock.ts'
import { refused } from '../../helpers/refusal.ts'

const make = (options = {}): CircuitBreaker => new CircuitBreaker({ name: 'b', ...options })

describe('S22: configure validates everything before it changes anything', () => {
  const refusals: [patch: object, kind: typeof TypeError | typeof RangeError, ...parts: string[]][] = [
    [{ failMax: 3, timeoutDuration: -1 }, RangeError, 'timeoutDuration', '-1'],
    [{ timeoutDuration: 7, failMax: 0 }, RangeError, 'failMax', '0'],
    [{ failMax: 3, trip: consecutiveFailures(2) }, TypeError, 'failMax', 'trip'],
    [{ exclude: [], mode: 'open' }, TypeError, 'mode', 'open'],
    [{ callTimeout: 5, halfOpen: { calls: 1, successes: 2 } }, RangeError, 'successes', '2'],
    [{ failMax: 3, bogus: 1 }, TypeError, 'bogus'],
    [{ mode: 'observe', probeTimeout: 0 }, RangeError, 'probeTimeout', '0'],
  ]
  for (const [patch, kind, ...parts] of refusals) {
    it(`S22: refuses ${JSON.stringify(patch)} as a whole`, () => {
      const breaker = make({ failMax: 9, timeoutDuration: 1_000 })
      fail(breaker, 4)
      const { options } = breaker
      const { takenAt: _, ...before } = breaker.snapshot()
      refused(() => breaker.configure(patch), kind, ...parts)
      assert.equal(breaker.options, options)
      const { takenAt: __, ...after } = breaker.snapshot()
      assert.deepEqual(after, before)
    })
  }

  for (const name of ['name', 'clock', 'random', 'restore', 'storage', 'listeners']) {
    it(`S22: refuses to change ${name}`, () => {
      const breaker = make()
      const values: Record<string, unknown> = {
        name: 'other',
        clock: new ManualClock(),
        random: () => 0.5,
        restore: breaker.snapshot(),
        storage: {},
        listeners: [],
      }
      const patch = { failMax: 1, [name]: values[name] } as CircuitBreakerPatch
      refused(() => breaker.configure(patch), TypeError, name)
      assert.equal(breaker.options.failMax, 5)
      assert.equal(breaker.name, 'b')
    })
  }

  it('S22: checks a patch against the options that stay: a call timeout below the slow limit', () => {
    const breaker = make({ trip: slowCallRate({ threshold: 1, slowerThan: 1_000, lastCalls: 5 }) })
    refused(() => breaker.configure({ callTimeout: 500 }), RangeError, 'slowerThan', '500', '1000')
    assert.equal(breaker.options.callTimeout, Infinity)
    breaker.configure({ callTimeout: 500, failMax: 5 })
    refused(
      () => breaker.configure({ trip: slowCallRate({ threshold: 1, slowerThan: 1_000, lastCalls: 5 }) }),
      RangeError,
      'slowerThan',
    )
    assert.equal(breaker.options.failMax, 5)
  })
})

describe('S22: a manual transition with a bad argument changes nothing', () => {
  const transitions: Record<string, (breaker: CircuitBreaker) => unknown> = {
    'open for an invalid time': (breaker) => breaker.open({ for: -1 }),
    'open with a bad reason': (breaker) => breaker.open({ reason: 5 as never }),
    'isolate with a bad reason': (breaker) => breaker.isolate(5 as never),
    'half-open with a bad reason': (breaker) => breaker.halfOpen(5 as never),
    'close with a bad reason': (breaker) => breaker.close(5 as never),
  }
  for (const [title, transition] of Object.entries(transitions)) {
    it(`S22: ${title}: it reads no clock, and does not notice a lease that has ended`, () => {
      const clock = new CountingClock()
      const received: string[] = []
      const breaker = make({
        clock,
        probeTimeout: 10,
        listeners: [{ stateChange: ({ to }: { to: string }) => void received.push(to) }],
      })
      breaker.halfOpen()
      breaker.acquire()
      clock.advance(10)
      received.length = clock.readings = 0
      assert.throws(() => transition(breaker), /^(TypeError|RangeError): Expected /)
      assert.equal(clock.readings, 0)
      assert.deepEqual(received, [])
      assert.equal(breaker.state, 'open')
    })
  }
})
