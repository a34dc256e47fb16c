import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CircuitBreaker,
  exponentialBackoff,
  type CircuitBreakerOptions,
  type OpenTimeContext,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

function make(more: CircuitBreakerOptions = {}): { breaker: CircuitBreaker; clock: ManualClock } {
  const clock = new ManualClock()
  return { clock, breaker: new CircuitBreaker({ clock, failMax: 1, timeoutDuration: 100, ...more }) }
}

/** Lets the open time pass and the probe fail. */
function failProbe(breaker: CircuitBreaker, clock: ManualClock): void {
  clock.advance(breaker.retryAfter)
  fail(breaker)
}

/** Lets the open time pass and the probe succeed. */
function recover(breaker: CircuitBreaker, clock: ManualClock): void {
  clock.advance(breaker.retryAfter)
  succeed(breaker)
  assert.equal(breaker.state, 'closed')
}

const attempt = (breaker: CircuitBreaker): number => breaker.snapshot().attempt

describe('S21: escalation', () => {
  it('S21: attempt is 0 while all is well, 1 at the first opening, and grows with each failed period', () => {
    const { breaker, clock } = make()
    assert.equal(attempt(breaker), 0)
    fail(breaker)
    assert.equal(attempt(breaker), 1)
    for (let expected = 2; expected < 6; expected++) {
      failProbe(breaker, clock)
      assert.equal(attempt(breaker), expected)
    }
  })

  it('S21: a half-open period counts once, however many of its probes failed', () => {
    const { breaker, clock } = make({ halfOpen: { calls: 5, successes: 3 } })
    fail(breaker)
    clock.advance(100)
    fail(breaker, 3)
    assert.equal(breaker.state, 'open')
    assert.equal(attempt(breaker), 2)
  })

  it('S21: a probe whose lease has ended escalates like one that failed', () => {
    const { breaker, clock } = make({ probeTimeout: 500 })
    fail(breaker)
    clock.advance(100)
    breaker.acquire()
    clock.advance(500)
    assert.equal(attempt(breaker), 2)
  })

  it('S21: a half-open period keeps the attempt, and a recovery forgets it', () => {
    const { breaker, clock } = make()
    fail(breaker)
    failProbe(breaker, clock)
    clock.advance(100)
    breaker.acquire().ignore()
    assert.equal(breaker.state, 'half-open')
    assert.equal(attempt(breaker), 2)
    recover(breaker, clock)
    assert.equal(attempt(breaker), 0)
    fail(breaker)
    assert.equal(attempt(breaker), 1)
  })

  it('S21: timeoutDuration gets the attempt, the reason and the error of each opening, once', () => {
    const received: OpenTimeContext[] = []
    const { breaker, clock } = make({
      timeoutDuration: (context) => {
        received.push(context)
        return 10 * context.attempt
      },
    })
    const errors = [new Error('first'), new Error('second')]
    breaker.acquire().failure(errors[0])
    assert.equal(breaker.retryAfter, 10)
    clock.advance(10)
    breaker.acquire().failure(errors[1])
    assert.equal(breaker.retryAfter, 20)
    assert.deepEqual(
      received.map(({ attempt, reason, error }) => ({ attempt, reason, error })),
      [
        { attempt: 1, reason: 'consecutiveFailures', error: errors[0] },
        { attempt: 2, reason: 'probeFailed', error: errors[1] },
      ],
    )
    assert.equal(received[0]?.error, errors[0])
  })

  it('S21: timeoutDuration gets the result where a result was the failure', () => {
    const received: OpenTimeContext[] = []
    const { breaker } = make({
      classifyResult: () => 'failure',
      timeoutDuration: (context) => {
        received.push(context)
        return 10
      },
    })
    const result = { status: 503 }
    breaker.acquire().success(result)
    assert.equal(received.length, 1)
    assert.equal(received[0]?.result, result)
    assert.equal(received[0]?.error, undefined)
  })

  it('S21: timeoutDuration is called for ended leases and manual openings, without an error', () => {
    const received: OpenTimeContext[] = []
    const { breaker, clock } = make({
      probeTimeout: 500,
      timeoutDuration: (context) => {
        received.push(context)
        return 10
      },
    })
    breaker.open()
    breaker.open({ reason: 'deploy', for: 30 })
    clock.advance(30)
    breaker.acquire()
    clock.advance(500)
    assert.equal(breaker.state, 'open')
    assert.deepEqual(
      received.map(({ attempt, reason, error, result }) => ({ attempt, reason, error, result })),
      [
        { attempt: 1, reason: 'manual', error: undefined, result: undefined },
        { attempt: 2, reason: 'probeTimeout', error: undefined, result: undefined },
      ],
    )
  })

  for (const [title, answer] of Object.entries<() => unknown>({
    NaN: () => NaN,
    Infinity: () => Infinity,
    '-Infinity': () => -Infinity,
    'a negative number': () => -1,
    undefined: () => undefined,
    'a string': () => '1000',
    'a bigint': () => 1_000n,
    'a promise': () => Promise.resolve(1_000),
    'a promise that rejects': () => Promise.reject(new Error('async')),
    'an object that pretends to be a number': () => ({ valueOf: () => 1_000 }),
    'an exception': () => {
      throw new Error('mine')
    },
  })) {
    it(`S21: ${title} from timeoutDuration becomes 60,000 ms and is reported`, () => {
      const reported: unknown[] = []
      const { breaker } = make({
        timeoutDuration: answer as () => number,
        onListenerError: (error) => reported.push(error),
      })
      fail(breaker)
      assert.equal(breaker.state, 'open')
      assert.equal(breaker.retryAfter, 60_000)
      assert.equal(reported.length, 1)
      assert.ok(reported[0] instanceof Error)
      if (title !== 'an exception')
        assert.match(reported[0].message, /^Expected `timeoutDuration\(\)` to be /)

      breaker.open()
      assert.equal(breaker.retryAfter, 60_000)
      assert.equal(reported.length, 2)
    })
  }

  it('S21: a bad duration at a probe does not wedge the breaker either', () => {
    const { breaker, clock } = make({
      timeoutDuration: ({ attempt }) => (attempt === 1 ? 10 : NaN),
      onListenerError: () => {},
    })
    fail(breaker)
    failProbe(breaker, clock)
    assert.equal(breaker.retryAfter, 60_000)
    recover(breaker, clock)
  })

  it('S21: 0 is a duration like any other', () => {
    const reported: unknown[] = []
    const { breaker } = make({ timeoutDuration: () => 0, onListenerError: (error) => reported.push(error) })
    fail(breaker)
    assert.equal(breaker.state, 'half-open')
    assert.deepEqual(reported, [])
  })
})

describe('S21: attemptDecay', () => {
  const decay = { attemptDecay: 1_000 }

  /** Returns a breaker that has closed at attempt 3. */
  function escalated(): { breaker: CircuitBreaker; clock: ManualClock } {
    const made = make(decay)
    fail(made.breaker)
    failProbe(made.breaker, made.clock)
    failProbe(made.breaker, made.clock)
    recover(made.breaker, made.clock)
    return made
  }

  it('S21: a recovery keeps the attempt, and each stretch of closed time forgets one step', () => {
    const { breaker, clock } = escalated()
    const seen: number[] = []
    for (let i = 0; i < 5; i++, clock.advance(1_000)) seen.push(attempt(breaker))
    assert.deepEqual(seen, [3, 2, 1, 0, 0])
  })

  it('S21: a step is forgotten when the whole time has passed', () => {
    const { breaker, clock } = escalated()
    clock.advance(999)
    assert.equal(attempt(breaker), 3)
    clock.advance(1)
    assert.equal(attempt(breaker), 2)
  })

  it('S21: the next opening continues from the remaining attempt', () => {
    const { breaker, clock } = escalated()
    clock.advance(2_000)
    fail(breaker)
    assert.equal(attempt(breaker), 2)
  })

  it('S21: a dependency that flaps escalates', () => {
    const { breaker, clock } = make({
      ...decay,
      timeoutDuration: exponentialBackoff({ initial: 100, jitter: 'none' }),
    })
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      fail(breaker)
      waits.push(breaker.retryAfter)
      recover(breaker, clock)
      clock.advance(500)
    }
    assert.deepEqual(waits, [100, 200, 400, 800])
  })

  it('S21: time that is not closed forgets nothing', () => {
    const { breaker, clock } = escalated()
    fail(breaker)
    clock.advance(50_000)
    assert.equal(attempt(breaker), 4)
    recover(breaker, clock)
    assert.equal(attempt(breaker), 4)
  })

  for (const leave of ['halfOpen', 'isolate', 'open'] as const) {
    it(`S21: what is forgotten does not come back with ${leave}()`, () => {
      const { breaker, clock } = escalated()
      clock.advance(2_000)
      assert.equal(attempt(breaker), 1)
      breaker[leave]()
      assert.equal(attempt(breaker), leave === 'open' ? 2 : 1)
      breaker.halfOpen()
      succeed(breaker)
      assert.equal(attempt(breaker), leave === 'open' ? 2 : 1)
    })
  }

  it('S21: closing manually forgets all of it', () => {
    const { breaker, clock } = escalated()
    breaker.close()
    assert.equal(attempt(breaker), 0)
    fail(breaker)
    failProbe(breaker, clock)
    breaker.close()
    assert.equal(attempt(breaker), 0)
  })

  it('S21: closing manually forgets all of it, even if the decay would take forever', () => {
    const { breaker, clock } = make({ ...decay, attemptDecay: Number.MAX_SAFE_INTEGER })
    fail(breaker)
    failProbe(breaker, clock)
    breaker.close()
    assert.equal(attempt(breaker), 0)
  })

  it('S21: time that has passed by the wall clock, before a closed circuit is restored, forgets as well', () => {
    const time = fakeTime()
    try {
      const { breaker } = escalated()
      const restore = breaker.snapshot()
      assert.equal(restore.attempt, 3)
      time.tick(1_500)
      const { breaker: after, clock } = make({ ...decay, restore })
      assert.equal(attempt(after), 2)
      clock.advance(500)
      assert.equal(attempt(after), 1)
    } finally {
      time.uninstall()
    }
  })

  it('S21: removing attemptDecay forgets all of it, also at the moment of recovery', () => {
    const { breaker } = escalated()
    breaker.configure({ attemptDecay: 0 })
    assert.equal(attempt(breaker), 0)
    fail(breaker)
    assert.equal(attempt(breaker), 1)
  })

  it('S21: an attemptDecay that is set after a recovery brings nothing back', () => {
    const { breaker, clock } = make()
    fail(breaker)
    failProbe(breaker, clock)
    recover(breaker, clock)
    breaker.configure({ attemptDecay: 1_000 })
    assert.equal(attempt(breaker), 0)
  })

  it('S21: without attemptDecay time makes no difference', () => {
    const { breaker, clock } = make()
    fail(breaker)
    failProbe(breaker, clock)
    recover(breaker, clock)
    assert.equal(attempt(breaker), 0)
  })
})
