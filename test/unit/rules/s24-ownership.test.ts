import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  exponentialBackoff,
  failureCount,
  failureRate,
  honorRetryAfter,
  slowCallRate,
  type CircuitBreakerOptions,
  type CircuitBreakerPatch,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'

/** Returns a proxy that counts reads of each property by its path, including those of nested objects and arrays. */
function counting<T extends object>(target: T, reads: Map<string, number>, path = ''): T {
  return new Proxy(target, {
    get(inner, key) {
      const value: unknown = Reflect.get(inner, key)
      if (typeof key === 'symbol' || !Object.hasOwn(inner, key) || key === 'length') return value
      const name = `${path}${key}`
      reads.set(name, (reads.get(name) ?? 0) + 1)
      // A clock and a listener are no options: their methods are called repeatedly.
      const nested = /^(halfOpen|exclude|listeners|restore)(\.counts)?$/.test(name)
      return nested ? counting(value as object, reads, `${name}.`) : value
    },
  })
}

function full(): CircuitBreakerOptions {
  return {
    name: 'full',
    failMax: 3,
    timeoutDuration: 100,
    exclude: [RangeError],
    classifyError: () => undefined,
    classifyResult: () => undefined,
    callTimeout: 5_000,
    halfOpen: { calls: 3, successes: 2, concurrent: 1 },
    probeTimeout: 700,
    attemptDecay: 9,
    errorOnTrip: false,
    listeners: [{ success: () => 0 }],
    onListenerError: () => {},
    mode: 'enforce',
    clock: new ManualClock(),
    random: () => 0.5,
    restore: { ...new CircuitBreaker().snapshot(), failCounter: 1 },
  }
}

describe('S24: options are read once', () => {
  it('S24: the constructor reads each option once, and each part of halfOpen, exclude and restore', () => {
    const reads = new Map<string, number>()
    const breaker = new CircuitBreaker(counting(full(), reads))
    breaker.acquire().success()
    const often = [...reads].filter(([, times]) => times !== 1)
    assert.deepEqual(often, [])
    for (const name of Object.keys(full())) assert.equal(reads.get(name), 1, name)
  })

  it('S24: configure reads each option of its patch once', () => {
    const reads = new Map<string, number>()
    const breaker = new CircuitBreaker()
    const { name: _n, clock: _c, random: _r, restore: _s, listeners: _l, ...patch } = full()
    breaker.configure(counting(patch, reads))
    assert.deepEqual(
      [...reads].filter(([, times]) => times !== 1),
      [],
    )
  })

  it('S24: the validated value is the one that is used, even if the getter changes later', () => {
    let reads = 0
    const halfOpen = {
      get calls() {
        return reads++ === 0 ? 2 : -1
      },
    }
    const breaker = new CircuitBreaker({ halfOpen })
    assert.deepEqual(breaker.options.halfOpen, { calls: 2, successes: 2, concurrent: 2 })
  })
})

describe('S24: the object of the caller is neither kept nor changed', () => {
  it('S24: changes after the construction have no effect', () => {
    const given = full()
    const breaker = new CircuitBreaker(given)
    const before = { ...breaker.options }
    const mutable = given as Record<string, unknown>
    ;(mutable['exclude'] as unknown[]).push(TypeError)
    ;(mutable['listeners'] as unknown[]).push({ success: () => assert.fail('was never added') })
    Object.assign(mutable['halfOpen'] as object, { calls: 9 })
    Object.assign(mutable['restore'] as object, { state: 'isolated' })
    for (const key of Object.keys(mutable)) mutable[key] = undefined
    assert.deepEqual({ ...breaker.options }, before)
    assert.deepEqual(breaker.options.exclude, [RangeError])
    assert.equal(breaker.options.halfOpen.calls, 3)
    assert.equal(breaker.state, 'closed')
    breaker.acquire().success()
    breaker.acquire().failure(new TypeError('counts'))
    assert.equal(breaker.failCounter, 1)
  })

  it('S24: changes after configure have no effect', () => {
    const breaker = new CircuitBreaker()
    const patch = { exclude: [RangeError] as (new () => Error)[], halfOpen: { calls: 2 } }
    breaker.configure(patch)
    patch.exclude.push(TypeError)
    patch.halfOpen.calls = 5
    assert.deepEqual(breaker.options.exclude, [RangeError])
    assert.equal(breaker.options.halfOpen.calls, 2)
    breaker.acquire().failure(new TypeError('counts'))
    assert.equal(breaker.failCounter, 1)
  })

  it('S24: deeply frozen options work', () => {
    const given = full()
    for (const part of [given.exclude, given.halfOpen, given.listeners, given.restore]) Object.freeze(part)
    const breaker = new CircuitBreaker(Object.freeze(given))
    assert.equal(breaker.name, 'full')
    breaker.configure(Object.freeze({ failMax: 2 }))
    assert.equal(breaker.options.failMax, 2)
  })

  it('S24: the given objects are unchanged', () => {
    const given = full()
    const copy = {
      ...given,
      exclude: [...(given.exclude ?? [])],
      listeners: [...(given.listeners ?? [])],
      halfOpen: { ...given.halfOpen },
    }
    const breaker = new CircuitBreaker(given)
    fail(breaker, 2)
    breaker.configure({ failMax: 9 })
    assert.deepEqual(given, copy)
  })

  it('S24: the options of rules and open times are copied, too', () => {
    const rate = { threshold: 1, minCalls: 2, lastCalls: 5 }
    const count = { count: 2, lastCalls: 5 }
    const slow = { threshold: 1, minCalls: 1, slowerThan: 5, lastCalls: 5 }
    const backoff = { initial: 100, jitter: 'none' as const }
    const honor = { max: 500 }
    const trip = anyOf(failureRate(rate), failureCount(count), slowCallRate(slow))
    const timeoutDuration = honorRetryAfter(exponentialBackoff(backoff), honor)
    Object.assign(rate, { threshold: 0.01, minCalls: 1 })
    Object.assign(count, { count: 1 })
    Object.assign(slow, { slowerThan: 0 })
    Object.assign(backoff, { initial: 1 })
    Object.assign(honor, { max: 1 })
    const breaker = new CircuitBreaker({ clock: new ManualClock(), trip, timeoutDuration })
    fail(breaker)
    assert.equal(breaker.state, 'closed')
    breaker.acquire().failure({ headers: { 'retry-after': '9' } })
    assert.equal(breaker.retryAfter, 500)
  })

  it('S24: a rule and an array of rules are the caller’s own', () => {
    const rules = [consecutiveFailures(2), failureCount({ count: 5, lastCalls: 5 })]
    const breaker = new CircuitBreaker({ trip: anyOf(...rules) })
    rules.length = 0
    fail(breaker, 2)
    assert.equal(breaker.state, 'open')
  })
})

describe('S24: the resolved options', () => {
  it('S24: are deeply frozen', () => {
    const { options } = new CircuitBreaker(full())
    assert.ok(Object.isFrozen(options))
    assert.ok(Object.isFrozen(options.exclude))
    assert.ok(Object.isFrozen(options.halfOpen))
    assert.throws(() => Object.assign(options, { failMax: 9 }), TypeError)
  })

  it('S24: can be given to another breaker, which then behaves the same', () => {
    const { restore: _, listeners: __, ...options } = full()
    const breaker = new CircuitBreaker(options)
    const { trip: _trip, ...resolved } = breaker.options
    const twin = new CircuitBreaker(resolved)
    assert.deepEqual(twin.options.halfOpen, breaker.options.halfOpen)
    assert.equal(twin.options.failMax, 3)
    const patch: CircuitBreakerPatch = { timeoutDuration: resolved.timeoutDuration }
    twin.configure(patch)
    assert.equal(twin.options.timeoutDuration, 100)
  })
})

describe('S24: two breakers share nothing but what both were given', () => {
  const rules = {
    run: consecutiveFailures(2),
    count: failureCount({ count: 2, lastCalls: 10 }),
    time: failureRate({ threshold: 0.5, minCalls: 2, window: 1_000 }),
    any: anyOf(failureCount({ count: 2, lastCalls: 3 }), consecutiveFailures(9)),
  }
  for (const [name, trip] of Object.entries(rules)) {
    it(`S24: not the counts of a rule that serves both (${name})`, () => {
      const clock = new ManualClock()
      const [one, other] = [new CircuitBreaker({ clock, trip }), new CircuitBreaker({ clock, trip })]
      fail(one)
      fail(other)
      assert.deepEqual([one.state, other.state], ['closed', 'closed'])
      fail(one)
      assert.deepEqual([one.state, other.state], ['open', 'closed'])
      assert.equal(other.snapshot().counts.failures, 1)
      one.configure({ trip: consecutiveFailures(1) })
      assert.equal(other.options.trip, trip)
    })
  }

  it('S24: not the escalation of a backoff that serves both', () => {
    const clock = new ManualClock()
    const timeoutDuration = exponentialBackoff({ initial: 100, jitter: 'none' })
    const one = new CircuitBreaker({ clock, failMax: 1, timeoutDuration })
    const other = new CircuitBreaker({ clock, failMax: 1, timeoutDuration })
    fail(one)
    clock.advance(100)
    fail(one)
    fail(other)
    assert.deepEqual([one.retryAfter, other.retryAfter], [200, 100])
  })

  it('S24: not the options of one object, listeners and time', () => {
    const received: string[] = []
    const options: CircuitBreakerOptions = {
      failMax: 1,
      clock: new ManualClock(),
      listeners: [{ stateChange: ({ breaker }) => received.push(breaker.name) }],
    }
    const one = new CircuitBreaker({ ...options, name: 'one' })
    const other = new CircuitBreaker({ ...options, name: 'other' })
    fail(one)
    assert.deepEqual(received, ['one'])
    assert.equal(other.state, 'closed')
    other.addListener({ rejected: () => received.push('rejected') })
    assert.equal(one.tryAcquire(), undefined)
    assert.deepEqual(received, ['one'])
  })
})
