import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  anyOf,
  CircuitBreaker,
  consecutiveFailures,
  failureRate,
  slowCallRate,
  type CircuitBreakerSnapshot,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const NOW = Date.UTC(2026, 0, 1)

function atNow<T>(act: (time: ReturnType<typeof fakeTime>) => T): T {
  const time = fakeTime(NOW)
  try {
    return act(time)
  } finally {
    time.uninstall()
  }
}

/** Brings a breaker into each state. */
const reach: Record<string, (breaker: CircuitBreaker) => unknown> = {
  closed: (breaker) => [fail(breaker, 2), breaker.acquire()],
  open: (breaker) => fail(breaker, 3),
  'half-open': (breaker) => [fail(breaker, 3), breaker.halfOpen(), breaker.acquire()],
  isolated: (breaker) => breaker.isolate('maintenance'),
}

describe('a snapshot', () => {
  it('of a new breaker has the initial values', () => {
    atNow(() => {
      assert.deepEqual(new CircuitBreaker({ name: 'payments' }).snapshot(), {
        version: 1,
        name: 'payments',
        mode: 'enforce',
        state: 'closed',
        scope: 'local',
        since: null,
        retryAfter: 0,
        attempt: 0,
        tripReason: null,
        failCounter: 0,
        counts: { calls: 0, successes: 0, failures: 0, slow: 0 },
        failureRate: null,
        slowCallRate: null,
        inFlight: 0,
        rejected: 0,
        late: 0,
        ignored: 0,
        lastFailure: null,
        takenAt: NOW,
      })
    })
  })

  it('of a breaker that has been in use has all of its values', () => {
    atNow((time) => {
      const breaker = new CircuitBreaker({ name: 'payments', failMax: 2, timeoutDuration: 1_000 })
      const late = breaker.acquire()
      breaker.acquire()
      succeed(breaker)
      breaker.acquire().ignore()
      fail(breaker)
      time.tick(250)
      breaker.acquire().failure(new RangeError('too much'))
      assert.equal(breaker.tryAcquire(), undefined)
      assert.equal(breaker.tryAcquire(), undefined)
      late.success()
      time.tick(100.5)
      assert.deepEqual(breaker.snapshot(), {
        version: 1,
        name: 'payments',
        mode: 'enforce',
        state: 'open',
        scope: 'local',
        since: NOW + 250,
        retryAfter: 900,
        attempt: 1,
        tripReason: 'consecutiveFailures',
        failCounter: 0,
        counts: { calls: 0, successes: 0, failures: 0, slow: 0 },
        failureRate: null,
        slowCallRate: null,
        inFlight: 1,
        rejected: 2,
        late: 1,
        ignored: 1,
        lastFailure: { name: 'RangeError', message: 'too much' },
        takenAt: NOW + 350,
      })
    })
  })

  it('has null where a time is infinite', () => {
    const breaker = new CircuitBreaker({ probeTimeout: Infinity })
    breaker.isolate()
    assert.equal(breaker.snapshot().retryAfter, null)
    breaker.halfOpen()
    assert.equal(breaker.snapshot().retryAfter, 0)
    breaker.acquire()
    assert.equal(breaker.snapshot().retryAfter, 1_000)
  })

  it('is deeply immutable', () => {
    const breaker = new CircuitBreaker()
    fail(breaker)
    const snapshot = breaker.snapshot()
    for (const part of [snapshot, snapshot.counts, snapshot.lastFailure]) assert.ok(Object.isFrozen(part))
  })

  it('does not change when the breaker does', () => {
    const breaker = new CircuitBreaker()
    const before = breaker.snapshot()
    const copy = structuredClone(before)
    fail(breaker, 5)
    assert.deepEqual(before, copy)
  })

  for (const [state, to] of Object.entries(reach)) {
    it(`survives JSON and structured cloning while ${state}`, () => {
      const breaker = new CircuitBreaker({ failMax: 3, clock: new ManualClock(), probeTimeout: Infinity })
      to(breaker)
      const snapshot = breaker.snapshot()
      assert.equal(snapshot.state, state)
      assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot)
      assert.deepEqual(structuredClone(snapshot), snapshot)
    })
  }

  it('has the counts and rates of the first rule that has a window', () => {
    const clock = new ManualClock()
    const trip = anyOf(
      consecutiveFailures(9),
      failureRate({ threshold: 1, minCalls: 2, lastCalls: 3 }),
      slowCallRate({ threshold: 1, slowerThan: 5, lastCalls: 90 }),
    )
    const breaker = new CircuitBreaker({ clock, trip })
    succeed(breaker, 4)
    fail(breaker, 2)
    const { counts, failureRate: rate, slowCallRate: slow } = breaker.snapshot()
    assert.deepEqual(counts, { calls: 3, successes: 1, failures: 2, slow: 0 })
    assert.equal(rate, 2 / 3)
    assert.equal(slow, 0)
  })

  it('without a window it counts since the state began, without minCalls', () => {
    const breaker = new CircuitBreaker({ failMax: 9, clock: new ManualClock() })
    fail(breaker)
    assert.equal(breaker.snapshot().failureRate, 1)
    breaker.open()
    breaker.close()
    assert.equal(breaker.snapshot().counts.calls, 0)
    assert.equal(breaker.snapshot().failureRate, null)
  })

  it('while half-open it counts the probes, also under a rule with a window', () => {
    const clock = new ManualClock()
    const trip = slowCallRate({ threshold: 1, slowerThan: 5, lastCalls: 90 })
    const breaker = new CircuitBreaker({ clock, trip, halfOpen: { calls: 5, successes: 3 } })
    breaker.halfOpen()
    succeed(breaker, 2)
    const slow = breaker.acquire()
    clock.advance(6)
    slow.success()
    const { counts, failureRate: rate, slowCallRate: slowRate } = breaker.snapshot()
    assert.deepEqual(counts, { calls: 3, successes: 2, failures: 1, slow: 1 })
    assert.equal(rate, 1 / 3)
    assert.equal(slowRate, 1 / 3)
  })

  it('has the time at which the state began, by the wall clock, as since', () => {
    atNow((time) => {
      const breaker = new CircuitBreaker({ timeoutDuration: 100 })
      time.tick(10)
      breaker.open()
      assert.equal(breaker.snapshot().since, NOW + 10)
      time.tick(200)
      succeed(breaker)
      assert.equal(breaker.snapshot().since, NOW + 210)
    })
  })
})

describe('lastFailure', () => {
  const last = (error: unknown): CircuitBreakerSnapshot['lastFailure'] => {
    const breaker = new CircuitBreaker()
    breaker.acquire().failure(error)
    return breaker.snapshot().lastFailure
  }

  it('is the name and message of the last error that counted as a failure', () => {
    const breaker = new CircuitBreaker({ exclude: [RangeError] })
    breaker.acquire().failure(new TypeError('first'))
    breaker.acquire().failure(new RangeError('excluded'))
    breaker.acquire().success()
    assert.deepEqual(breaker.snapshot().lastFailure, { name: 'TypeError', message: 'first' })
    breaker.acquire().failure(new SyntaxError('second'))
    assert.deepEqual(breaker.snapshot().lastFailure, { name: 'SyntaxError', message: 'second' })
  })

  it('is neither an error classified as a success nor a result classified as a failure', () => {
    const breaker = new CircuitBreaker({ classifyError: () => 'success', classifyResult: () => 'failure' })
    breaker.acquire().failure(new TypeError('fine'))
    breaker.acquire().success('bad')
    assert.equal(breaker.failCounter, 1)
    assert.equal(breaker.snapshot().lastFailure, null)
  })

  it('describes whatever was thrown', () => {
    assert.equal(last('text')?.message, 'text')
    assert.equal(last(404)?.message, '404')
    assert.equal(last(null)?.message, 'null')
    assert.equal(last(Symbol('s'))?.message, 'Symbol(s)')
    for (const error of [{}, [], () => {}, Object.create(null)])
      assert.equal(typeof last(error)?.message, 'string')
  })

  it('is rendered safely: a hostile error changes nothing else', () => {
    const forbidden = (): never => assert.fail('hostile')
    const hostile: unknown[] = [
      {
        get name() {
          return forbidden()
        },
      },
      { name: 'E', message: { toString: forbidden } },
      new Proxy({}, { get: forbidden, has: forbidden, getPrototypeOf: forbidden }),
      Proxy.revocable({}, {}).proxy,
    ]
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    for (const error of [...hostile, proxy]) {
      const breaker = new CircuitBreaker({ failMax: 1, clock: new ManualClock() })
      assert.equal(breaker.acquire().failure(error), true)
      assert.equal(breaker.state, 'open')
      assert.equal(typeof breaker.snapshot().lastFailure?.message, 'string')
      assert.doesNotThrow(() => JSON.stringify(breaker.snapshot()))
    }
  })

  it('is at most 2,000 characters of name and of message, however long the error’s are', () => {
    const long = 'x'.repeat(5_000_000)
    for (const error of [
      Object.assign(new Error(long), { name: long }),
      long,
      { name: long, message: long },
    ]) {
      const { name, message } = last(error)!
      assert.ok(name.length <= 2_000 && message.length <= 2_000, `${name.length} ${message.length}`)
      assert.equal(message.slice(0, 1_000), long.slice(0, 1_000))
      assert.match(message, /…$/, 'says that something is missing')
    }
    assert.equal(last(new Error('y'.repeat(2_000)))?.message.length, 2_000)
    assert.match(last(new Error('y'.repeat(2_000)))!.message, /^y*$/)
  })

  it('keeps text, not the error', () => {
    const { lastFailure } = ((): CircuitBreakerSnapshot => {
      const breaker = new CircuitBreaker()
      breaker.acquire().failure(Object.assign(new Error('down'), { secret: 'token' }))
      return breaker.snapshot()
    })()
    assert.deepEqual(Object.keys(lastFailure ?? {}), ['name', 'message'])
  })
})
