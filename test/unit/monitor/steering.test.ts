import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { CircuitBreaker } from '../../../src/index.ts'
import { CircuitBreakerMonitor } from '../../../src/monitor/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'

const clock = new ManualClock()

describe('a monitor controls breakers by their ids', () => {
  let monitor: CircuitBreakerMonitor
  let breaker: CircuitBreaker

  beforeEach(() => {
    monitor = new CircuitBreakerMonitor()
    breaker = new CircuitBreaker({ name: 'a', clock, timeoutDuration: 5_000 })
    monitor.watch(breaker)
  })

  it('opens one, for a given time and with a given reason', () => {
    assert.equal(monitor.open('a'), true)
    assert.equal(breaker.retryAfter, 5_000)
    assert.equal(breaker.snapshot().tripReason, 'manual')
    assert.equal(monitor.open('a', { for: 700, reason: 'deploy' }), false)
    assert.equal(breaker.retryAfter, 700)
    assert.equal(breaker.snapshot().tripReason, 'deploy')
  })

  it('half-opens, closes and isolates, and returns whether that was a change', () => {
    assert.equal(monitor.isolate('a', 'maintenance'), true)
    assert.equal(breaker.state, 'isolated')
    assert.equal(monitor.isolate('a', 'again'), false)
    assert.equal(monitor.halfOpen('a', 'try'), true)
    assert.equal(breaker.state, 'half-open')
    assert.equal(monitor.close('a', 'fine'), true)
    assert.equal(breaker.state, 'closed')
    assert.equal(monitor.close('a'), false)
    assert.deepEqual(
      monitor.transitions.map(({ reason }) => reason),
      ['maintenance', 'try', 'fine'],
    )
  })

  it('changes nothing where the breaker does not enforce', () => {
    breaker.mode = 'observe'
    assert.equal(monitor.isolate('a'), false)
    assert.equal(breaker.state, 'closed')
  })

  it('has the ids of all breakers', () => {
    assert.equal(monitor.has('a'), true)
    assert.equal(monitor.has('b'), false)
    monitor.unwatch(breaker)
    assert.equal(monitor.has('a'), false)
  })

  it('refuses an unknown id, also one that it once had', () => {
    for (const method of ['open', 'halfOpen', 'close', 'isolate'] as const) {
      assert.throws(() => monitor[method]('b'), {
        name: 'RangeError',
        message: 'Expected `id` to be the id of a watched breaker, got `"b"`',
      })
      assert.throws(() => monitor[method](5 as never), {
        name: 'TypeError',
        message: 'Expected `id` to be a string, got `5` (number)',
      })
    }
    monitor.unwatch(breaker)
    assert.throws(() => monitor.isolate('a'), RangeError)
    assert.throws(
      () => monitor.isolate('x'.repeat(1_000_000)),
      ({ message }: Error) => message.length < 200,
    )
  })

  it('refuses what the breaker refuses', () => {
    assert.throws(() => monitor.isolate('a', 5 as never), {
      name: 'TypeError',
      message: 'Expected `reason` to be a string, got `5` (number)',
    })
    assert.throws(() => monitor.open('a', { for: -1 }), RangeError)
    assert.throws(() => monitor.open('a', { because: 'x' } as never), TypeError)
    assert.equal(breaker.state, 'closed')
  })
})

describe('the health of all breakers', () => {
  let monitor: CircuitBreakerMonitor
  const [a, b] = ['a', 'b'].map((name) => new CircuitBreaker({ name, clock, timeoutDuration: 5_000 }))

  beforeEach(() => {
    monitor = new CircuitBreakerMonitor()
    for (const breaker of [a!, b!]) {
      breaker.close()
      monitor.watch(breaker)
    }
  })

  it('is up without any breaker', () => {
    const empty = new CircuitBreakerMonitor()
    assert.equal(empty.health, 'up')
    assert.deepEqual(empty.healthReport(), { status: 'up', breakers: {} })
    assert.deepEqual(empty.snapshot().breakers, [])
    assert.equal(empty.snapshot().health, 'up')
    assert.deepEqual(empty.totals(), [])
  })

  it('is that of the worst', () => {
    const steps: [() => unknown, string][] = [
      [() => {}, 'up'],
      [() => b!.halfOpen(), 'degraded'],
      [() => a!.open(), 'down'],
      [() => a!.close(), 'degraded'],
      [() => b!.isolate(), 'down'],
      [() => a!.halfOpen(), 'down'],
      [() => b!.close(), 'degraded'],
      [() => a!.close(), 'up'],
    ]
    for (const [step, health] of steps) {
      step()
      assert.equal(monitor.health, health)
      assert.equal(monitor.healthReport().status, health)
      assert.equal(monitor.snapshot().health, health)
    }
  })

  it('becomes degraded when an open time has passed, without a call', () => {
    a!.open()
    assert.equal(monitor.health, 'down')
    clock.advance(5_000)
    assert.equal(monitor.health, 'degraded')
  })

  it('has the health, the reason and the end for each breaker', () => {
    a!.open({ for: 700, reason: 'deploy' })
    b!.isolate('maintenance')
    assert.deepEqual(monitor.healthReport(), {
      status: 'down',
      breakers: {
        a: { status: 'down', state: 'open', reason: 'deploy', retryAfter: 700 },
        b: { status: 'down', state: 'isolated', reason: 'maintenance', retryAfter: null },
      },
    })
    a!.close()
    assert.deepEqual(monitor.healthReport().breakers['a'], {
      status: 'up',
      state: 'closed',
      reason: null,
      retryAfter: 0,
    })
  })
})
