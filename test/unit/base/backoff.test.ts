import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import {
  CircuitBreaker,
  exponentialBackoff,
  honorRetryAfter,
  type ExponentialBackoffOptions,
  type OpenTime,
  type OpenTimeContext,
} from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { fail } from '../../helpers/calls.ts'
import { fakeTime } from '../../helpers/wall-clock.ts'

function context(attempt: number, random = 0, more: Partial<OpenTimeContext> = {}): OpenTimeContext {
  return { attempt, reason: 'consecutiveFailures', random: () => random, ...more }
}

const times = (options: ExponentialBackoffOptions, random: number, attempts = 6): number[] =>
  Array.from({ length: attempts }, (_, index) => exponentialBackoff(options)(context(index + 1, random)))

describe('exponentialBackoff', () => {
  it('doubles from initial with each attempt', () => {
    assert.deepEqual(times({ initial: 100, jitter: 'none' }, 0.9), [100, 200, 400, 800, 1_600, 3_200])
  })

  it('multiplies by another factor', () => {
    assert.deepEqual(times({ initial: 10, factor: 3, jitter: 'none' }, 0), [10, 30, 90, 270, 810, 2_430])
    assert.deepEqual(times({ initial: 10, factor: 1, jitter: 'none' }, 0), [10, 10, 10, 10, 10, 10])
    assert.deepEqual(times({ initial: 16, factor: 1.5, jitter: 'none' }, 0, 4), [16, 24, 36, 54])
  })

  it('never exceeds max, which is an hour by default', () => {
    assert.deepEqual(times({ initial: 100, max: 350, jitter: 'none' }, 0, 4), [100, 200, 350, 350])
    assert.equal(exponentialBackoff({ initial: 1_000, jitter: 'none' })(context(30)), 3_600_000)
    assert.deepEqual(times({ initial: 100, max: 100, jitter: 'none' }, 0, 3), [100, 100, 100])
  })

  it('stays finite for any attempt', () => {
    for (const attempt of [100, 1_100, 1e6, Number.MAX_SAFE_INTEGER]) {
      assert.equal(exponentialBackoff({ initial: 1, max: 5_000, jitter: 'none' })(context(attempt)), 5_000)
    }
  })

  it('has equal jitter by default: half of the time is fixed, half is random', () => {
    assert.deepEqual(times({ initial: 100 }, 0, 3), [50, 100, 200])
    assert.deepEqual(times({ initial: 100, jitter: 'equal' }, 0.5, 3), [75, 150, 300])
    assert.deepEqual(times({ initial: 100, jitter: 'equal' }, 1, 3), [100, 200, 400])
  })

  it('has full jitter on request: from 0 to the whole time', () => {
    assert.deepEqual(times({ initial: 100, jitter: 'full' }, 0, 3), [0, 0, 0])
    assert.deepEqual(times({ initial: 100, jitter: 'full' }, 0.25, 3), [25, 50, 100])
  })

  it('has no jitter on request, and then does not call random', () => {
    const never = (): number => assert.fail('was asked')
    assert.equal(exponentialBackoff({ initial: 100, jitter: 'none' })({ ...context(2), random: never }), 200)
  })

  it('applies jitter after the limit of max', () => {
    assert.deepEqual(times({ initial: 100, max: 200, jitter: 'full' }, 0.5, 4), [50, 100, 100, 100])
    assert.deepEqual(times({ initial: 100, max: 200, jitter: 'equal' }, 0.5, 4), [75, 150, 150, 150])
  })

  it('stays between the bounds of its jitter for every random number', () => {
    const least = { equal: 0.5, full: 0, none: 1 }
    fc.assert(
      fc.property(
        fc.constantFrom<'equal' | 'full' | 'none'>('equal', 'full', 'none'),
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (jitter, attempt, random) => {
          const whole = Math.min(60_000, 250 * 2 ** (attempt - 1))
          const time = exponentialBackoff({ initial: 250, max: 60_000, jitter })(context(attempt, random))
          assert.ok(time >= whole * least[jitter] && time <= whole)
        },
      ),
    )
  })

  it('with a seeded random a breaker repeats exactly the same open times', () => {
    const run = (): number[] => {
      let seed = 42
      const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647
      const clock = new ManualClock()
      const timeoutDuration = exponentialBackoff({ initial: 1_000 })
      const breaker = new CircuitBreaker({ clock, random, failMax: 1, timeoutDuration })
      return Array.from({ length: 5 }, () => {
        fail(breaker)
        const wait = breaker.retryAfter
        clock.advance(wait)
        return wait
      })
    }
    const first = run()
    assert.deepEqual(run(), first)
    first.forEach((wait, index) => assert.ok(wait >= 500 * 2 ** index && wait <= 1_000 * 2 ** index))
    assert.notEqual((first[1] ?? 0) / 2, first[0])
  })

  it('a random may return 0, 1 and anything in between', () => {
    const open = (drawn: number): number => {
      const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'full' })
      const clock = new ManualClock()
      const breaker = new CircuitBreaker({ failMax: 1, random: () => drawn, timeoutDuration, clock })
      fail(breaker)
      return breaker.retryAfter
    }
    assert.deepEqual([0, 0.25, 1].map(open), [0, 250, 1_000])
  })

  it('a random that returns anything else is reported with the value', async () => {
    for (const drawn of [NaN, -0.5, 1.5, '0.5', null, undefined, Promise.reject(new Error('async'))]) {
      const reported: unknown[] = []
      const breaker = new CircuitBreaker({
        failMax: 1,
        clock: new ManualClock(),
        random: () => drawn as number,
        timeoutDuration: exponentialBackoff({ initial: 1_000 }),
        onListenerError: (error) => reported.push(error),
      })
      fail(breaker)
      assert.equal(breaker.retryAfter, 60_000)
      assert.equal(reported.length, 1)
      assert.match(String(reported[0]), /Expected `random\(\)` to be a number from 0 up to 1, got /)
    }
    await Promise.resolve()
  })

  it('a broken random does not wedge the breaker', () => {
    for (const random of [() => NaN, () => -3, () => assert.fail('broken')]) {
      const reported: unknown[] = []
      const timeoutDuration = exponentialBackoff({ initial: 1_000, jitter: 'full' })
      const onListenerError = (error: unknown): unknown => reported.push(error)
      const breaker = new CircuitBreaker({
        failMax: 1,
        random,
        timeoutDuration,
        onListenerError,
        clock: new ManualClock(),
      })
      fail(breaker)
      assert.equal(breaker.retryAfter, 60_000)
      assert.equal(reported.length, 1)
    }
  })
})

describe('honorRetryAfter', () => {
  const wait = (error: unknown, base: number | OpenTime = 1_000, max?: number): number =>
    honorRetryAfter(base, { max })(context(1, 0, { error }))
  const plain = (value: unknown): object => ({ headers: { 'retry-after': value } })

  it('reads seconds from Headers', () => {
    assert.equal(wait({ headers: new Headers({ 'Retry-After': '120' }) }), 120_000)
  })

  it('reads from the plain headers of Node, in any case', () => {
    assert.equal(wait(plain('7')), 7_000)
    assert.equal(wait({ headers: { 'Retry-After': '7' } }), 7_000)
    assert.equal(wait({ headers: { 'RETRY-AFTER': 7 } }), 7_000)
  })

  it('reads from the response of an error, as axios and ky have it', () => {
    assert.equal(wait({ response: { headers: { 'retry-after': '8' } } }), 8_000)
    assert.equal(wait({ response: { headers: new Headers({ 'retry-after': '8' }) } }), 8_000)
    assert.equal(
      wait(Object.assign(new Error('503'), { response: { headers: new Map([['retry-after', '8']]) } })),
      8_000,
    )
  })

  it('reads from a Response that failed by classification', () => {
    const clock = new ManualClock()
    const breaker = new CircuitBreaker({
      clock,
      failMax: 1,
      classifyResult: (value) => (value instanceof Response && value.status === 503 ? 'failure' : undefined),
      timeoutDuration: honorRetryAfter(1_000),
    })
    breaker.acquire().success(new Response(null, { status: 503, headers: { 'retry-after': '30' } }))
    assert.equal(breaker.retryAfter, 30_000)
  })

  it('reads the headers of the error before those of its response', () => {
    assert.equal(wait({ ...plain('3'), response: plain('9') }), 3_000)
  })

  it('reads an HTTP date by the wall clock', () => {
    const time = fakeTime(Date.UTC(2026, 0, 1, 12))
    try {
      assert.equal(wait(plain('Thu, 01 Jan 2026 12:00:45 GMT')), 45_000)
      assert.equal(wait(plain('Thursday, 01-Jan-26 12:00:45 GMT')), 45_000)
      assert.equal(wait(plain('Thu, 01 Jan 2026 11:59:00 GMT')), 1_000)
      assert.equal(wait(plain('Thu, 01 Jan 2026 12:00:00 GMT')), 1_000)
    } finally {
      time.uninstall()
    }
  })

  it('is never shorter than base', () => {
    assert.equal(wait(plain('1'), 5_000), 5_000)
    assert.equal(wait(plain('0'), 5_000), 5_000)
    assert.equal(wait(plain('6'), 5_000), 6_000)
  })

  it('is never made longer than max, an hour by default', () => {
    assert.equal(wait(plain('100'), 1_000, 60_000), 60_000)
    assert.equal(wait(plain('60'), 1_000, 60_000), 60_000)
    assert.equal(wait(plain('86400')), 3_600_000)
    assert.equal(wait(plain('9'.repeat(400))), 3_600_000)
  })

  it('takes another open time as its base, and passes it the whole context', () => {
    const base = exponentialBackoff({ initial: 1_000, jitter: 'full' })
    const both = honorRetryAfter(base)
    assert.equal(both(context(3, 0.5)), 2_000)
    assert.equal(both(context(3, 0.5, { error: plain('9') })), 9_000)
  })

  it('falls back to base where there is no header to read', () => {
    const nothing: unknown[] = [
      undefined,
      null,
      'text',
      5,
      new Error('down'),
      {},
      { headers: null },
      { headers: 'retry-after: 5' },
    ]
    nothing.push(
      { headers: {} },
      { headers: [] },
      { response: null },
      { response: {} },
      { response: { headers: 5 } },
    )
    nothing.push(
      { headers: { 'x-retry-after': '50' } },
      { headers: { 'retry-after-ms': '50' } },
      { headers: new Headers() },
      { headers: { get: 'x' } },
    )
    for (const error of nothing) assert.equal(wait(error), 1_000)
  })

  const garbage = [
    '',
    ' ',
    'soon',
    'NaN',
    'Infinity',
    '-Infinity',
    '-5',
    '0x10',
    '1e3',
    '+5',
    '5 seconds',
    '5;',
    '5,6',
  ]
  garbage.push(
    'retry 2099',
    'Thu, 99 Foo 2099 25:61:61 GMT',
    'in 2099, GMT',
    'at Thu, 01 Jan 2099 00:00:00 GMT',
    'Thu, 01 Jan 2099 00:00:00 GMT (or later)',
    '12:00',
    'null',
    '[object Object]',
  )
  for (const value of garbage) {
    it(`does not take '${value}' for a delay`, () => assert.equal(wait(plain(value)), 1_000))
  }

  it('takes neither objects, arrays, booleans nor odd numbers for a delay', () => {
    for (const value of [{}, ['50'], true, null, undefined, NaN, Infinity, -5, () => '50']) {
      assert.equal(wait(plain(value)), 1_000)
    }
  })

  it('takes a number with spaces around it', () => {
    assert.equal(wait(plain(' 7 ')), 7_000)
  })

  it('is base where reading the headers throws', () => {
    const hostile = [
      { headers: { get: () => assert.fail('hostile') } },
      {
        get headers() {
          return assert.fail('hostile')
        },
      },
      new Proxy({}, { get: () => assert.fail('hostile') }),
    ]
    for (const error of hostile) {
      const timeoutDuration = honorRetryAfter(120_000)
      const breaker = new CircuitBreaker({ failMax: 1, timeoutDuration, clock: new ManualClock() })
      breaker.acquire().failure(error)
      assert.equal(breaker.retryAfter, 120_000)
    }
  })

  it('reports a base that returns a bad value, and handles a promise from it', async () => {
    for (const base of [() => NaN, () => Promise.reject(new Error('async')), () => assert.fail('throws')]) {
      const reported: unknown[] = []
      const breaker = new CircuitBreaker({
        failMax: 1,
        clock: new ManualClock(),
        timeoutDuration: honorRetryAfter(base as () => number),
        onListenerError: (error) => reported.push(error),
      })
      breaker.acquire().failure(plain('5'))
      assert.equal(breaker.retryAfter, 60_000)
      await Promise.resolve()
      assert.equal(reported.length, 1)
    }
  })
})
