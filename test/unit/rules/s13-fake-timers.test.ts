import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import * as FakeTimers from '@sinonjs/fake-timers'
import { CircuitBreaker, failureRate } from '../../../src/index.ts'
import { fail } from '../../helpers/calls.ts'

/** Puts an object in the place of `performance`, as test runners do. */
function replacePerformance(now: () => number): void {
  Object.defineProperty(globalThis, 'performance', { value: { now }, configurable: true, writable: true })
}

describe('S13: test runners that fake the time', () => {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'performance')!
  afterEach(() => Object.defineProperty(globalThis, 'performance', real))

  it('S13: a breaker follows a `performance` that was put in place after it was made', () => {
    const breaker = new CircuitBreaker({ probeTimeout: 1_000 })
    let now = 0
    replacePerformance(() => now)
    breaker.halfOpen()
    breaker.acquire()
    now = 999
    assert.equal(breaker.retryAfter, 1)
    now = 1_000
    assert.equal(breaker.state, 'open')
  })

  it('S13: time that a fake has moved before it was first read has passed too', () => {
    let now = 5_000
    replacePerformance(() => now)
    const breaker = new CircuitBreaker({ probeTimeout: 60_000 })
    breaker.halfOpen()
    breaker.acquire()
    replacePerformance(() => 59_999)
    assert.equal(breaker.retryAfter, 1)
    now = 9_000 // the one that was replaced
    assert.equal(breaker.retryAfter, 1)
    replacePerformance(() => 1)
    assert.equal(breaker.state, 'open')
  })

  it('S13: back on the real clock, time neither goes back nor jumps, however far the two are apart', () => {
    for (const ahead of [10, 1e9]) {
      const breaker = new CircuitBreaker()
      let now = 0
      replacePerformance(() => now)
      breaker.open({ for: 1e10 })
      now = ahead
      const before = breaker.retryAfter
      assert.equal(before, 1e10 - ahead)
      Object.defineProperty(globalThis, 'performance', real)
      const after = breaker.retryAfter
      assert.ok(after <= before && after > before - performance.now() / 2, `${before} then ${after}`)
    }
  })

  it('S13: a reading costs no sum of fractions: an opening is exact after many changes', () => {
    for (let i = 0; i < 50; i++) {
      const breaker = new CircuitBreaker()
      breaker.open()
      breaker.close()
      let now = 0
      replacePerformance(() => now)
      breaker.halfOpen()
      breaker.open({ for: 60_000 })
      now = 59_999
      assert.equal(breaker.retryAfter, 1)
      now = 60_000
      assert.equal(breaker.retryAfter, 0)
      Object.defineProperty(globalThis, 'performance', real)
      assert.ok(breaker.tryAcquire())
    }
  })
})

/** Fakes everything that test runners do not need themselves. */
const install = () => FakeTimers.install({ toNotFake: ['nextTick', 'queueMicrotask'] })

describe("S13: sinon's fake timers, by default", () => {
  let time: ReturnType<typeof install> | undefined
  afterEach(() => time?.uninstall())
  it('S13: they move windows, leases, openings, timeouts and callers that wait', async () => {
    const trip = failureRate({ threshold: 1, minCalls: 9, window: 1_000, buckets: 1_000 })
    const breaker = new CircuitBreaker({ trip, probeTimeout: 2_000, callTimeout: 300 })
    const clock = (time = install())
    fail(breaker)
    clock.tick(999)
    assert.equal(breaker.snapshot().counts.failures, 1)
    clock.tick(1)
    assert.equal(breaker.snapshot().counts.failures, 0)

    const timedOut = assert.rejects(
      breaker.call(() => new Promise(() => {})),
      { code: 'CALL_TIMEOUT' },
    )
    clock.tick(300)
    await timedOut

    breaker.open({ for: 5_000 })
    const ready = breaker.ready()
    clock.tick(5_000)
    await ready
    breaker.acquire()
    clock.tick(1_999)
    assert.equal(breaker.state, 'half-open')
    clock.tick(1)
    assert.equal(breaker.state, 'open')
  })
})

describe('S13: a fake date', () => {
  const HOUR = 3_600_000

  for (const now of [0, Date.UTC(2099, 0)]) {
    it(`S13: that starts at ${now} says nothing about an opening that began in real time`, () => {
      const breaker = new CircuitBreaker()
      breaker.open({ for: HOUR })
      const fake = FakeTimers.install({ now })
      try {
        assert.equal(breaker.state, 'open')
        fake.tick(HOUR - 1)
        assert.equal(breaker.state, 'open')
        fake.tick(1)
        assert.equal(breaker.state, 'half-open')
      } finally {
        fake.uninstall()
      }
    })

    it(`S13: that starts at ${now} says nothing about its openings once the time is real again`, () => {
      const breaker = new CircuitBreaker()
      const fake = FakeTimers.install({ now })
      breaker.open({ for: HOUR })
      fake.tick(10)
      fake.uninstall()
      assert.equal(breaker.state, 'open')
      assert.ok(breaker.retryAfter > HOUR - 60_000)
    })
  }

  it('S13: whose runner also fakes microtasks does not stop those that wait for the circuit', async () => {
    const breaker = new CircuitBreaker()
    const fake = FakeTimers.install({ toFake: ['queueMicrotask', 'setTimeout', 'Date', 'performance'] })
    try {
      breaker.isolate()
      const ready = breaker.ready().then(() => 'ready')
      breaker.close()
      assert.equal(await ready, 'ready')
    } finally {
      fake.uninstall()
    }
  })
})
