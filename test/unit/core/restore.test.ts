import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { inspect } from 'node:util'
import {
  CircuitBreaker,
  failureCount,
  type CircuitBreakerOptions,
  type CircuitBreakerSnapshot,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail, succeed } from '../../helpers/calls.ts'
import { eventsOf } from '../../helpers/events.ts'
import { refused } from '../../helpers/refusal.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

const throughJson = (snapshot: CircuitBreakerSnapshot): CircuitBreakerSnapshot =>
  JSON.parse(JSON.stringify(snapshot)) as CircuitBreakerSnapshot

describe('restore', () => {
  let time: ReturnType<typeof fakeTime>
  beforeEach(() => {
    time = fakeTime()
  })
  afterEach(() => time.uninstall())

  const options: CircuitBreakerOptions = { failMax: 3, timeoutDuration: 1_000, probeTimeout: 500 }
  /** Saves a breaker in the state that `reach` leads to, and restores it `away` ms later. */
  const restored = (
    reach: (breaker: CircuitBreaker) => unknown,
    away = 0,
    more: CircuitBreakerOptions = {},
  ): CircuitBreaker => {
    const before = new CircuitBreaker({ ...options, ...more })
    reach(before)
    const restore = throughJson(before.snapshot())
    time.tick(away)
    return new CircuitBreaker({ ...options, ...more, restore })
  }

  it('is undone when a closed circuit is closed manually, whatever the snapshot says', () => {
    const saved = throughJson(new CircuitBreaker(options).snapshot())
    const restore = { ...saved, attempt: 3, failCounter: 2, tripReason: 'before' }
    const breaker = new CircuitBreaker({ ...options, attemptDecay: 1_000, restore })
    assert.equal(breaker.close(), false)
    const { tripReason, attempt, failCounter } = breaker.snapshot()
    assert.deepEqual([tripReason, attempt, failCounter], [null, 0, 0])
  })

  it('restores a closed circuit with its run of failures, but no counts', () => {
    const breaker = restored((before) => [succeed(before), fail(before, 2), before.acquire()])
    assert.equal(breaker.state, 'closed')
    assert.equal(breaker.failCounter, 2)
    const { counts, inFlight, late, rejected, ignored } = breaker.snapshot()
    assert.equal(counts.calls, 0)
    assert.deepEqual([inFlight, late, rejected, ignored], [0, 0, 0, 0])
    fail(breaker)
    assert.equal(breaker.state, 'open')
  })

  it('restores no window', () => {
    const trip = failureCount({ count: 3, lastCalls: 9 })
    const breaker = restored((before) => fail(before, 2), 0, { failMax: undefined, trip })
    assert.equal(breaker.snapshot().counts.failures, 0)
    fail(breaker, 2)
    assert.equal(breaker.state, 'closed')
  })

  it('restores an open circuit with the time that remained, less the time away', () => {
    const breaker = restored((before) => {
      fail(before, 3)
      time.tick(200)
    }, 300)
    assert.equal(breaker.state, 'open')
    assert.equal(breaker.retryAfter, 500)
    time.tick(499)
    assert.equal(breaker.state, 'open')
    time.tick(1)
    assert.equal(breaker.state, 'half-open')
  })

  it('the time between its construction and its first use counts as well', () => {
    const breaker = restored((before) => fail(before, 3), 300)
    time.tick(300)
    assert.equal(breaker.retryAfter, 400)
  })

  it('follows the injected clock from its first use', () => {
    const clock = new ManualClock(77)
    const breaker = restored((before) => fail(before, 3), 400, { clock })
    assert.equal(breaker.retryAfter, 600)
    clock.advance(599)
    assert.equal(breaker.state, 'open')
    clock.advance(1)
    assert.equal(breaker.state, 'half-open')
  })

  it('is half-open at once when the open time has passed while it was away', () => {
    for (const away of [1_000, 86_400_000]) {
      const breaker = restored((before) => fail(before, 3), away)
      assert.equal(breaker.state, 'half-open')
      assert.equal(breaker.retryAfter, 0)
      succeed(breaker)
      assert.equal(breaker.state, 'closed')
    }
  })

  it('a wall clock that went back while it was away adds no time', () => {
    const before = new CircuitBreaker(options)
    fail(before, 3)
    const snapshot = before.snapshot()
    const breaker = new CircuitBreaker({
      ...options,
      restore: { ...snapshot, takenAt: snapshot.takenAt + 3_600_000 },
    })
    assert.equal(breaker.retryAfter, 1_000)
    time.tick(1_000)
    assert.equal(breaker.state, 'half-open')
  })

  it('restores an isolated circuit with its reason, however much time has passed', () => {
    const breaker = restored((before) => before.isolate('maintenance'), 1e9)
    assert.equal(breaker.state, 'isolated')
    assert.equal(breaker.retryAfter, Infinity)
    assert.throws(() => breaker.acquire(), /maintenance/)
    time.tick(1e9)
    assert.equal(breaker.state, 'isolated')
    assert.equal(breaker.close(), true)
  })

  it('restores a half-open circuit without its probes', () => {
    const breaker = restored((before) => [before.halfOpen(), before.acquire()])
    assert.equal(breaker.state, 'half-open')
    assert.equal(breaker.retryAfter, 0)
    const probe = breaker.acquire()
    assert.equal(breaker.tryAcquire(), undefined)
    probe.success()
    assert.equal(breaker.state, 'closed')
  })

  it('restores a circuit whose open time had passed as half-open', () => {
    const breaker = restored((before) => {
      fail(before, 3)
      time.tick(1_000)
    })
    assert.equal(breaker.state, 'half-open')
  })

  it('restores attempt and reason, and continues from there', () => {
    const attempts: number[] = []
    const timeoutDuration = ({ attempt }: { attempt: number }): number => {
      attempts.push(attempt)
      return 100 * attempt
    }
    const breaker = restored(
      (before) => {
        fail(before, 3)
        time.tick(100)
        fail(before)
      },
      50,
      { timeoutDuration },
    )
    assert.equal(breaker.retryAfter, 150)
    assert.equal(breaker.snapshot().attempt, 2)
    assert.equal(breaker.snapshot().tripReason, 'probeFailed')
    assert.throws(() => breaker.acquire(), /probeFailed/)
    time.tick(150)
    fail(breaker)
    assert.equal(breaker.snapshot().attempt, 3)
    assert.deepEqual(attempts, [1, 2, 3])
  })

  it('a reason is cut to 256 characters, and a closed circuit has none', () => {
    const saved = throughJson(new CircuitBreaker(options).snapshot())
    const tripReason = 'x'.repeat(1e6)
    const isolated = { ...saved, state: 'isolated' as const, retryAfter: null, tripReason }
    assert.equal(new CircuitBreaker({ restore: isolated }).snapshot().tripReason?.length, 256)
    assert.equal(new CircuitBreaker({ restore: { ...saved, tripReason } }).snapshot().tripReason, null)
  })

  it('a snapshot from the far future was taken now', () => {
    const before = new CircuitBreaker(options)
    fail(before, 3)
    const restore = { ...throughJson(before.snapshot()), takenAt: Number.MAX_VALUE }
    const breaker = new CircuitBreaker({ ...options, restore })
    assert.equal(breaker.retryAfter, 1_000)
    // The machine sleeps, which stops the monotonic clock.
    time.setSystemTime(Date.now() + 5_000)
    assert.equal(breaker.state, 'half-open')
  })

  it('forgets attempt and reason when it closes', () => {
    const breaker = restored((before) => fail(before, 3), 1_000)
    succeed(breaker)
    const { attempt, tripReason } = breaker.snapshot()
    assert.deepEqual({ attempt, tripReason }, { attempt: 0, tripReason: null })
  })

  it('restores no cause, which is not in the snapshot', () => {
    const breaker = restored((before) => fail(before, 3))
    assert.throws(
      () => breaker.acquire(),
      (error) => error instanceof Error && !('cause' in error),
    )
  })

  it('emits no event: nothing has happened', () => {
    const events: string[] = []
    const snapshot = new CircuitBreaker({ clock: new ManualClock() }).snapshot()
    const restore: CircuitBreakerSnapshot = {
      ...snapshot,
      state: 'open',
      retryAfter: 500,
      attempt: 1,
      tripReason: 'x',
    }
    const breaker = new CircuitBreaker({ restore, listeners: [{ stateChange: ({ to }) => events.push(to) }] })
    assert.equal(breaker.state, 'open')
    assert.deepEqual(events, [])
    time.tick(500)
    assert.deepEqual(eventsOf(breaker), [])
    breaker.acquire()
    assert.deepEqual(events, ['half-open'])
  })

  it('does not restore name and mode', () => {
    const restore = new CircuitBreaker({ name: 'other', mode: 'off' }).snapshot()
    const breaker = new CircuitBreaker({ name: 'mine', restore })
    assert.equal(breaker.name, 'mine')
    assert.equal(breaker.mode, 'enforce')
  })

  for (const mode of ['observe', 'off'] as const) {
    it(`in mode ${mode} the circuit is closed whatever was restored`, () => {
      const breaker = restored((before) => before.isolate(), 0)
      const other = new CircuitBreaker({ mode, restore: breaker.snapshot() })
      assert.equal(other.state, 'closed')
      assert.ok(other.tryAcquire())
      const { attempt, tripReason } = other.snapshot()
      assert.deepEqual({ attempt, tripReason }, { attempt: 0, tripReason: null })
    })
  }

  it('accepts a snapshot with or without the fields that it does not need', () => {
    const { counts: _, lastFailure: __, ...rest } = new CircuitBreaker().snapshot()
    const restore = { ...rest, failCounter: 2, more: 'than this version knows' }
    const breaker = new CircuitBreaker({ restore: restore as unknown as CircuitBreakerSnapshot })
    assert.equal(breaker.failCounter, 2)
  })

  it('a snapshot of a restored breaker restores the same state', () => {
    const once = restored((before) => fail(before, 3), 100)
    const twice = new CircuitBreaker({ ...options, restore: throughJson(once.snapshot()) })
    const { name: _, since: __, ...a } = once.snapshot()
    const { name: ___, since: ____, ...b } = twice.snapshot()
    assert.deepEqual(b, a)
  })
})

describe('a snapshot that cannot be restored is refused', () => {
  const good = { ...new CircuitBreaker().snapshot(), state: 'open', retryAfter: 60_000, attempt: 1 }
  const bad: [
    title: string,
    change: object,
    kind: typeof TypeError | typeof RangeError,
    ...parts: string[],
  ][] = [
    ['a newer version', { version: 2 }, RangeError, '`restore.version`', '1', '`2`', 'newer'],
    ['a much newer version', { version: 1e6 }, RangeError, 'newer'],
    ['an older version', { version: 0 }, RangeError, 'version', '`0`'],
    ['a fraction of a version', { version: 1.5 }, RangeError, 'version', '`1.5`'],
    ['no version', { version: undefined }, TypeError, 'version', '`undefined`'],
    ['a version in words', { version: '1' }, TypeError, 'version', '`"1"`'],
    ['an unknown state', { state: 'broken' }, TypeError, 'state', '`"broken"`'],
    ['no state', { state: undefined }, TypeError, 'state', '`undefined`'],
    ['the states of another library', { state: 'OPEN' }, TypeError, 'state', '`"OPEN"`'],
    ['an open time without end', { retryAfter: null }, TypeError, 'retryAfter', '`null`'],
    ['an infinite open time', { retryAfter: Infinity }, RangeError, 'retryAfter', '`Infinity`'],
    ['a negative open time', { retryAfter: -1 }, RangeError, 'retryAfter', '`-1`'],
    ['an open time that is no number', { retryAfter: '500' }, TypeError, 'retryAfter', '`"500"`'],
    ['NaN as an open time', { retryAfter: NaN }, RangeError, 'retryAfter', '`NaN`'],
    ['no time at which it was taken', { takenAt: undefined }, TypeError, 'takenAt', '`undefined`'],
    ['a time in words', { takenAt: '2026-01-01' }, TypeError, 'takenAt'],
    ['NaN as the time at which it was taken', { takenAt: NaN }, RangeError, 'takenAt', '`NaN`'],
    ['a negative attempt', { attempt: -1 }, RangeError, 'attempt', '`-1`'],
    ['half an attempt', { attempt: 0.5 }, RangeError, 'attempt', '`0.5`'],
    ['no attempt', { attempt: undefined }, TypeError, 'attempt', '`undefined`'],
    ['a negative run', { failCounter: -1 }, RangeError, 'failCounter', '`-1`'],
    ['a run that is no number', { failCounter: '3' }, TypeError, 'failCounter', '`"3"`'],
    ['no run', { failCounter: undefined }, TypeError, 'failCounter', '`undefined`'],
    ['a reason that is no text', { tripReason: 5 }, TypeError, 'tripReason', '`5`'],
    ['no reason', { tripReason: undefined }, TypeError, 'tripReason', '`undefined`'],
  ]
  for (const [title, change, kind, ...parts] of bad) {
    it(`with ${title}`, () => {
      const restore = { ...good, ...change } as unknown as CircuitBreakerSnapshot
      refused(() => new CircuitBreaker({ restore }), kind, 'restore', ...parts)
    })
  }

  const impossible: [state: string, change: object, part: string][] = [
    ['isolated', { retryAfter: 5 }, 'retryAfter'],
    ['isolated', { retryAfter: 0 }, 'retryAfter'],
    ['isolated', { retryAfter: Infinity }, 'retryAfter'],
    ['isolated', { retryAfter: undefined }, 'retryAfter'],
    ['open', { retryAfter: null }, 'retryAfter'],
    ['open', { attempt: 0 }, 'attempt'],
    ['closed', { retryAfter: 1 }, 'retryAfter'],
    ['closed', { retryAfter: null }, 'retryAfter'],
    ['closed', { retryAfter: undefined }, 'retryAfter'],
    ['half-open', { retryAfter: -1 }, 'retryAfter'],
    ['half-open', { retryAfter: 'soon' }, 'retryAfter'],
    ['half-open', { retryAfter: undefined }, 'retryAfter'],
    ['half-open', { attempt: -1 }, 'attempt'],
    ['closed', { tripReason: 5 }, 'tripReason'],
    ['isolated', { tripReason: {} }, 'tripReason'],
    ['half-open', { tripReason: undefined }, 'tripReason'],
    ['isolated', { failCounter: -1 }, 'failCounter'],
    ['isolated', { takenAt: -1 }, 'takenAt'],
    ['isolated', { attempt: 0.5 }, 'attempt'],
  ]
  for (const [state, change, part] of impossible) {
    it(`whose ${part} does not fit its state: ${state}, ${inspect(change)}`, () => {
      const retryAfter = { closed: 0, open: 500, 'half-open': 0, isolated: null }[state]
      const whole = { ...good, state, retryAfter } as CircuitBreakerSnapshot
      assert.equal(new CircuitBreaker({ restore: whole }).state, state)
      for (const mode of ['enforce', 'observe', 'off'] as const) {
        const restore = { ...whole, ...change }
        assert.throws(
          () => new CircuitBreaker({ mode, restore }),
          new RegExp(`Expected \`restore.${part}\` to be`),
        )
      }
    })
  }

  it('unless it is valid', () => {
    assert.equal(new CircuitBreaker({ restore: good as CircuitBreakerSnapshot }).state, 'open')
  })

  it('also if it is a string, an array or a breaker', () => {
    for (const restore of [JSON.stringify(good), [good], new CircuitBreaker()]) {
      refused(
        () => new CircuitBreaker({ restore: restore as unknown as CircuitBreakerSnapshot }),
        TypeError,
        'restore',
      )
    }
  })

  it('also in mode off, where it would not be used', () => {
    const restore = { ...good, version: 9 } as unknown as CircuitBreakerSnapshot
    refused(() => new CircuitBreaker({ mode: 'off', restore }), RangeError, 'restore', 'newer')
  })
})
