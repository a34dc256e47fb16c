import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  consecutiveFailures,
  failureCount,
  type CircuitBreakerOptions,
  type CircuitBreakerPatch,
} from '../../../src/index.ts'
import { MemoryStorage } from '../../../src/storage/memory.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { refused } from '../../helpers/refusal.ts'
import { transitionsOf } from '../../helpers/transitions.ts'

function make(options: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, breaker: new CircuitBreaker({ name: 'b', clock, ...options }) }
}

describe('S22: configure merges halfOpen with what stands', () => {
  const given = { calls: 4, successes: 3, concurrent: 2 }

  it('S22: what is left out stays as it was given', () => {
    for (const [patch, expected] of [
      [{ concurrent: 1 }, { ...given, concurrent: 1 }],
      [{ calls: 9 }, { ...given, calls: 9 }],
      [
        { successes: 1, calls: 2 },
        { calls: 2, successes: 1, concurrent: 2 },
      ],
      [{ calls: undefined }, given],
      [{}, given],
    ]) {
      const { breaker } = make({ halfOpen: given })
      breaker.configure({ halfOpen: patch })
      assert.deepEqual(breaker.options.halfOpen, expected)
    }
  })

  it('S22: what was computed is computed again', () => {
    const { breaker } = make({ halfOpen: { calls: 3 } })
    breaker.configure({ halfOpen: { concurrent: 2 } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 3, successes: 3, concurrent: 2 })
    breaker.configure({ halfOpen: { calls: 5 } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 5, successes: 5, concurrent: 2 })
    breaker.configure({ timeoutDuration: 7 })
    assert.deepEqual(breaker.options.halfOpen, { calls: 5, successes: 5, concurrent: 2 })
  })

  it('S22: a result that cannot work is refused, and nothing has changed', () => {
    for (const [before, patch, part] of [
      [undefined, { concurrent: 2 }, 'concurrent'],
      [given, { calls: 2 }, 'successes'],
      [given, { successes: 5 }, 'successes'],
      [{ calls: 4, successes: 1 }, { calls: 2, concurrent: 3 }, 'concurrent'],
    ] as const) {
      const { breaker } = make({ halfOpen: before })
      const { options } = breaker
      refused(() => breaker.configure({ failMax: 1, halfOpen: patch }), RangeError, `\`halfOpen.${part}\``)
      assert.equal(breaker.options, options)
    }
  })

  it('S22: null sets a part, or all of it, back to the default', () => {
    const { breaker } = make({ halfOpen: given })
    breaker.configure({ halfOpen: { concurrent: null } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 4, successes: 3, concurrent: 4 })
    breaker.configure({ halfOpen: { successes: null, calls: null, concurrent: 1 } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 1, successes: 1, concurrent: 1 })
    breaker.configure({ halfOpen: { calls: 2 } })
    breaker.configure({ halfOpen: null })
    assert.deepEqual(breaker.options.halfOpen, { calls: 1, successes: 1, concurrent: 1 })
    breaker.configure({ halfOpen: { calls: 2 } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 2, successes: 2, concurrent: 2 })
  })
})

describe('S22: null sets an option back to its default', () => {
  const changed: CircuitBreakerPatch = {
    timeoutDuration: 5,
    exclude: [RangeError],
    classifyError: () => 'ignored',
    classifyResult: () => 'ignored',
    callTimeout: 5,
    halfOpen: { calls: 2 },
    probeTimeout: 5,
    attemptDecay: 5,
    errorOnTrip: true,
    onListenerError: () => {},
    mode: 'observe',
  }
  for (const [name, value] of Object.entries({
    ...changed,
    failMax: 2,
    trip: failureCount({ count: 2, lastCalls: 4 }),
  })) {
    it(`S22: ${name}, whether it was given to the constructor or to configure`, () => {
      const { trip, ...defaults } = make().breaker.options
      for (const [first, second] of [
        [{ [name]: value }, {}],
        [{}, { [name]: value }],
      ]) {
        const { breaker, clock } = make(first)
        breaker.configure(second!)
        breaker.configure({ [name]: null })
        const { trip: rule, ...options } = breaker.options
        assert.deepEqual(options, { ...defaults, clock })
        assert.equal(rule, trip)
        fail(breaker, 4)
        assert.equal(breaker.state, 'closed')
        fail(breaker)
        assert.equal(breaker.state, 'open')
      }
    })

    it(`S22: ${name} that has its default already stays`, () => {
      const { breaker } = make()
      const { options } = breaker
      fail(breaker, 2)
      breaker.configure({ [name]: null })
      assert.deepEqual(breaker.options, options)
      assert.equal(breaker.failCounter, 2)
    })
  }

  it('S22: failMax and trip: the one that is null gives way to the other', () => {
    const trip = failureCount({ count: 3, lastCalls: 10 })
    const { breaker } = make({ trip })
    breaker.configure({ failMax: null })
    assert.equal(breaker.options.trip, trip)
    breaker.configure({ trip: null, failMax: 2 })
    assert.equal(breaker.options.failMax, 2)
    breaker.configure({ trip: null })
    assert.equal(breaker.options.failMax, 2)
    breaker.configure({ failMax: null, trip })
    assert.equal(breaker.options.trip, trip)
    assert.equal(breaker.options.failMax, undefined)
  })

  it('S22: what depends on the option is computed again', () => {
    const { breaker } = make({ timeoutDuration: 90_000 })
    breaker.configure({ timeoutDuration: null })
    assert.equal(breaker.options.probeTimeout, 60_000)
  })

  it('S22: null is refused by the constructor, and for what cannot be changed', () => {
    for (const name of [...Object.keys(changed), 'failMax', 'trip', 'name', 'restore', 'listeners']) {
      refused(() => new CircuitBreaker({ [name]: null }), TypeError, `\`${name}\``, '`null` (null)')
    }
    for (const name of ['name', 'clock', 'random']) {
      refused(() => make().breaker.configure({ [name]: null }), TypeError, `\`${name}\``)
    }
  })
})

describe('S22: all options of a breaker are accepted by configure and by the constructor', () => {
  const trip = failureCount({ count: 3, window: 1_000 })
  const breakers: Record<string, CircuitBreakerOptions> = {
    defaults: {},
    failMax: { failMax: 3 },
    trip: { trip, exclude: [RangeError, TypeError], classifyError: () => undefined },
    'a part of halfOpen': { halfOpen: { calls: 3 }, callTimeout: 5, timeoutDuration: () => 9 },
    'all of them': {
      name: 'all',
      failMax: 2,
      halfOpen: { calls: 3, successes: 2, concurrent: 1 },
      probeTimeout: Infinity,
      attemptDecay: 4,
      errorOnTrip: true,
      onListenerError: () => {},
      random: () => 0.5,
      mode: 'observe',
    },
    'a member of a fleet': {
      storage: new MemoryStorage(),
      minReporters: 1,
      reporter: 'a host',
      ephemeral: true,
    },
  }
  for (const [title, given] of Object.entries(breakers)) {
    it(`S22: configure changes nothing (${title})`, () => {
      const { breaker, clock } = make(given)
      if (breaker.mode === 'enforce') breaker.halfOpen()
      const transitions = transitionsOf(breaker)
      const { options } = breaker
      const { takenAt: _, ...before } = breaker.snapshot()
      breaker.configure({ ...options })
      breaker.configure(Object.freeze({ ...options }))
      const { takenAt: __, ...after } = breaker.snapshot()
      assert.equal(breaker.options, options)
      assert.deepEqual(after, before)
      assert.deepEqual(transitions, [])
      assert.equal(clock.now(), 0)
    })

    it(`S22: the constructor makes a twin (${title})`, () => {
      const { breaker } = make(given)
      const twin = new CircuitBreaker({ ...breaker.options })
      assert.deepEqual(twin.options, breaker.options)
      assert.equal(twin.options.trip, breaker.options.trip)
      if (given.storage) return // a fleet that the other test has made half-open
      fail(twin, 3)
      fail(breaker, 3)
      assert.equal(twin.state, breaker.state)
    })
  }

  it('S22: with one of them changed, that one changes', () => {
    const { breaker } = make({ halfOpen: { calls: 3 } })
    breaker.configure({ ...breaker.options, failMax: 2 })
    assert.equal(breaker.options.failMax, 2)
    breaker.configure({ ...breaker.options, trip })
    assert.equal(breaker.options.trip, trip)
    assert.equal(breaker.options.failMax, undefined)
    breaker.configure({ ...breaker.options, failMax: 4 })
    assert.equal(breaker.options.failMax, 4)
    breaker.configure({ ...breaker.options, timeoutDuration: 90_000 })
    assert.equal(breaker.options.timeoutDuration, 90_000)
    breaker.configure({ halfOpen: { calls: 1 } })
    assert.deepEqual(breaker.options.halfOpen, { calls: 1, successes: 1, concurrent: 1 })
    assert.equal(new CircuitBreaker({ ...breaker.options, failMax: 7 }).options.failMax, 7)
  })

  it('S22: what cannot be changed is refused as soon as it differs', () => {
    const { breaker } = make({ name: 'mine', random: () => 0.5, storage: new MemoryStorage() })
    const { options } = breaker
    const others: CircuitBreakerOptions = {
      name: 'other',
      clock: new ManualClock(),
      random: () => 0.5,
      storage: new MemoryStorage(),
      share: 'observe',
      minReporters: 3,
      reporter: 'other',
      probeDeadline: 7,
      ephemeral: true,
      listeners: [{ success() {} }],
      restore: breaker.snapshot(),
    }
    for (const [name, value] of Object.entries(others)) {
      refused(() => breaker.configure({ ...options, [name]: value }), TypeError, `\`${name}\``, 'configure')
      assert.equal(breaker.options, options)
    }
  })

  it('S22: a lease that is given along with what it depends on stays, even if it has that length already', () => {
    const { breaker } = make()
    breaker.configure({ timeoutDuration: 90_000, probeTimeout: 60_000 })
    assert.equal(breaker.options.probeTimeout, 60_000)
    breaker.configure({ timeoutDuration: 95_000 })
    assert.equal(breaker.options.probeTimeout, 60_000)
  })

  it('S22: the same failMax and trip, of which one was not made from the other, are refused', () => {
    refused(
      () => new CircuitBreaker({ failMax: 5, trip: consecutiveFailures(5) }),
      TypeError,
      '`failMax`',
      '`trip`',
    )
  })
})
